//! Lines, words, bytes and the most frequent words of files, counted by several threads that share
//! the counters: a `wc` for one large file as well as for many.
//!
//! It shows `sharded::Counter` and `sharded::Map`, each with a handle per thread that counts
//! without a lock. Memory holds one block of lines per thread, and the different words.
//!
//! `cargo run --release -p effective-locks --example shared_counters -- [--threads N] [FILE...]`
//!
//! Without a file it counts the README of this crate. The exit status is 1 if a file could not be
//! read, 2 if the arguments are wrong.

use std::cmp::Reverse;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use effective_locks::sharded::{Counter, Map};

const USAGE: &str = "usage: shared_counters [--threads N] [FILE...]";

/// A thread takes lines until it has this many bytes.
const BLOCK: usize = 1 << 16;

/// The number of threads, and the files.
fn settings(arguments: &[OsString]) -> Result<(usize, Vec<PathBuf>), String> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (mut threads, mut files) = (cores, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--threads") => {
                let number = arguments
                    .next()
                    .and_then(|text| text.to_str()?.parse().ok());
                let number = number.filter(|number| (1..=1024).contains(number));
                threads = number.ok_or("--threads needs a number from 1 to 1024")?;
            }
            Some(option) if option.starts_with('-') => return Err(format!("no option {option}")),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    if files.is_empty() {
        files.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    }
    Ok((threads, files))
}

/// The counts that all threads share.
#[derive(Default)]
struct Counts {
    lines: Counter,
    words: Counter,
    bytes: Counter,
    each: Map<Vec<u8>, u64>,
}

/// Counts a file on `threads` threads.
fn count(threads: usize, file: &Path, counts: &Counts) -> io::Result<()> {
    let reader = Mutex::new(BufReader::new(File::open(file)?));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| count_blocks(&reader, counts)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        })
    })
}

/// Takes blocks of the file until it ends, and counts their lines into the handles of this thread,
/// which are added to the shared counts when they are dropped.
fn count_blocks(reader: &Mutex<BufReader<File>>, counts: &Counts) -> io::Result<()> {
    let (mut lines, mut words) = (counts.lines.local(), counts.words.local());
    let mut bytes = counts.bytes.local();
    let mut each = counts.each.local(|total: &mut u64, mine| *total += mine);
    let mut block = Vec::new();
    loop {
        {
            let mut reader = reader
                .lock()
                .map_err(|_| io::Error::other("a thread panicked"))?;
            while block.len() < BLOCK && reader.read_until(b'\n', &mut block)? > 0 {}
        }
        if block.is_empty() {
            break;
        }
        bytes.add(block.len() as u64);
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            lines.add(u64::from(line.ends_with(b"\n")));
            for word in line
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
            {
                words.add(1);
                each.update(word.to_vec(), |count| *count += 1);
            }
        }
        block.clear();
    }
    Ok(())
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    let (threads, files) = match settings(arguments) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("shared_counters: {problem}; {USAGE}");
            return 2;
        }
    };
    let counts = Counts::default();
    let mut status = 0;
    for file in files {
        if let Err(error) = count(threads, &file, &counts) {
            eprintln!("shared_counters: {}: {error}", file.display());
            status = 1;
        }
    }
    print(counts).map_or(1, |()| status)
}

fn print(counts: Counts) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (lines, words, bytes) = (counts.lines.sum(), counts.words.sum(), counts.bytes.sum());
    writeln!(out, "{lines} lines, {words} words, {bytes} bytes")?;
    let mut each: Vec<_> = counts.each.into_map().into_iter().collect();
    each.sort_by_key(|(word, count)| (Reverse(*count), word.clone()));
    for (word, count) in each.iter().take(10) {
        writeln!(out, "{count:>8} {}", String::from_utf8_lossy(word))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
