//! A program that is half ported to async code, in both directions, and works at every step.
//!
//! Services write log files, which grow. First, threads (the old code) tail the files, and a
//! coroutine (the part that is ported first) merges the lines by time. Then the other way round:
//! coroutines tail the files, and a thread merges. Both must give the same result.
//!
//! `cargo run -p effective-bridge --example merge_logs`

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use effective_bridge::{AsyncReader, Offload, Portal};
use futures::executor::{ThreadPool, block_on};
use futures::io::{AsyncBufReadExt, BufReader as AsyncBufReader};
use futures::stream::{self, Stream, StreamExt};

const FILES: u64 = 12;
const LINES: u64 = 200;
/// How many entries are read ahead from each file.
const AHEAD: NonZeroUsize = NonZeroUsize::new(16).unwrap();
/// The pause before a file that has not grown is read again.
const PAUSE: Duration = Duration::from_millis(1);
/// The last line of a log.
const END: &str = "end";

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: u64,
    text: String,
}

fn main() -> Result<(), Failure> {
    run()
}

pub(crate) fn run() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let offload = Offload::builder()
        .name_prefix("tail")
        // A job tails one file for as long as it has lines, so each file may need a thread.
        .max_threads(usize::try_from(FILES)?)
        .build()?;
    let executor = ThreadPool::new()?;
    let portal = Portal::new(move |coroutine| executor.spawn_ok(coroutine));

    let (paths, services) = start_services(&folder.path().join("first"))?;
    let merged = block_on(merge_in_a_coroutine(&offload, &paths))?;
    check("threads tail, a coroutine merges", &merged, services)?;

    let (paths, services) = start_services(&folder.path().join("second"))?;
    let merged = merge_on_a_thread(&portal, &offload, paths)?;
    check("coroutines tail, a thread merges", &merged, services)?;

    block_on(offload.shutdown())?;
    Ok(())
}

// ---- the first half: threads produce, a coroutine merges

/// The old code: a blocking iterator over the lines of a file that grows.
struct Tail {
    reader: BufReader<File>,
    line: String,
}

impl Tail {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            reader: BufReader::new(File::open(path)?),
            line: String::new(),
        })
    }
}

impl Iterator for Tail {
    type Item = Result<Entry, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // The file may end in the middle of a line: the next read appends the rest.
            match self.reader.read_line(&mut self.line) {
                Ok(_) if self.line.ends_with('\n') => {
                    let entry = parse(&self.line);
                    self.line.clear();
                    return entry;
                }
                Ok(_) => thread::sleep(PAUSE),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}

/// The new code, which takes streams.
async fn merge_in_a_coroutine(offload: &Offload, paths: &[PathBuf]) -> Result<Vec<Entry>, Failure> {
    let mut tails = Vec::new();
    for path in paths {
        let path = path.clone();
        let tail = offload.run(move || Tail::open(&path)).await??;
        // To the merge, an error of the bridge is like one of the file.
        let entries = offload.stream(AHEAD, tail).map(|entry| entry?);
        tails.push(entries);
    }
    let mut heads = Vec::new();
    for mut tail in tails {
        if let Some(entry) = tail.next().await {
            heads.push((entry?, tail));
        }
    }
    let mut merged = Vec::new();
    while let Some(first) = earliest(heads.iter().map(|(entry, _)| entry)) {
        let (_, tail) = &mut heads[first];
        match tail.next().await.transpose()? {
            Some(next) => merged.push(std::mem::replace(&mut heads[first].0, next)),
            None => merged.push(heads.swap_remove(first).0),
        }
    }
    Ok(merged)
}

// ---- the second half: coroutines produce, a thread merges

/// The new code: a stream over the lines of a file that grows.
fn tail(offload: Offload, path: PathBuf) -> impl Stream<Item = Result<Entry, Failure>> + Send {
    let opener = offload.clone();
    let opened = async move {
        let file = opener.run(move || File::open(path)).await??;
        Ok::<_, Failure>(file)
    };
    stream::once(opened).flat_map(move |file| match file {
        Ok(file) => lines(offload.clone(), file).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
}

fn lines(offload: Offload, file: File) -> impl Stream<Item = Result<Entry, Failure>> + Send {
    let reader = AsyncBufReader::new(offload.async_reader(file));
    let state = Some((offload, reader, String::new()));
    stream::unfold(state, |state| async {
        let (offload, mut reader, mut line) = state?;
        match next_line(&offload, &mut reader, &mut line).await {
            Ok(()) => {
                let entry = parse(&line)?;
                line.clear();
                Some((entry, Some((offload, reader, line))))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

async fn next_line(
    offload: &Offload,
    reader: &mut AsyncBufReader<AsyncReader<File>>,
    line: &mut String,
) -> Result<(), Failure> {
    loop {
        reader.read_line(line).await?;
        if line.ends_with('\n') {
            return Ok(());
        }
        // The file has not grown. A job sleeps, so no runtime's timer is needed.
        offload.run(|| thread::sleep(PAUSE)).await?;
    }
}

/// The old code, which takes blocking iterators.
fn merge_on_a_thread(
    portal: &Portal,
    offload: &Offload,
    paths: Vec<PathBuf>,
) -> Result<Vec<Entry>, Failure> {
    let mut heads = Vec::new();
    for path in paths {
        let offload = offload.clone();
        let mut tail = portal.iter(AHEAD, move || tail(offload, path));
        if let Some(entry) = tail.next() {
            heads.push((entry??, tail));
        }
    }
    let mut merged = Vec::new();
    while let Some(first) = earliest(heads.iter().map(|(entry, _)| entry)) {
        let (_, tail) = &mut heads[first];
        match tail.next() {
            Some(next) => merged.push(std::mem::replace(&mut heads[first].0, next??)),
            None => merged.push(heads.swap_remove(first).0),
        }
    }
    Ok(merged)
}

// ---- shared by both halves

/// `None` at the end of the log.
fn parse(line: &str) -> Option<Result<Entry, Failure>> {
    let line = line.trim_end();
    if line == END {
        return None;
    }
    let entry = line.split_once(' ').and_then(|(time, text)| {
        let (time, text) = (time.parse().ok()?, text.to_owned());
        Some(Entry { time, text })
    });
    Some(entry.ok_or_else(|| format!("not a line of a log: {line:?}").into()))
}

fn earliest<'a>(heads: impl Iterator<Item = &'a Entry>) -> Option<usize> {
    let first = heads.enumerate().min_by_key(|(_, entry)| *entry);
    first.map(|(place, _)| place)
}

/// A service: writes its log line by line, sometimes in two halves.
fn serve(mut log: File, number: u64) -> io::Result<Vec<Entry>> {
    let mut written = Vec::new();
    for n in 0..LINES {
        // Each service has its own gaps.
        let time = n * FILES * 3 + number * 7 % 11;
        let entry = Entry {
            time,
            text: format!("service {number} line {n}"),
        };
        let line = format!("{time} {}\n", entry.text);
        let (one, other) = line.split_at(usize::try_from(n).unwrap_or(0) % line.len());
        log.write_all(one.as_bytes())?;
        if n % 40 == number % 40 {
            thread::sleep(Duration::from_millis(2));
        }
        log.write_all(other.as_bytes())?;
        written.push(entry);
    }
    log.write_all(format!("{END}\n").as_bytes())?;
    Ok(written)
}

type Services = Vec<thread::JoinHandle<io::Result<Vec<Entry>>>>;

fn start_services(folder: &Path) -> io::Result<(Vec<PathBuf>, Services)> {
    fs::create_dir(folder)?;
    let mut paths = Vec::new();
    let mut services = Vec::new();
    for number in 0..FILES {
        let path = folder.join(format!("service-{number}.log"));
        let log = File::create(&path)?;
        services.push(thread::spawn(move || serve(log, number)));
        paths.push(path);
    }
    Ok((paths, services))
}

/// Checks that every line was merged once, in order.
fn check(what: &str, merged: &[Entry], services: Services) -> Result<(), Failure> {
    let mut expected = Vec::new();
    for service in services {
        let written = service.join().map_err(|_| "a service panicked")?;
        expected.extend(written?);
    }
    expected.sort();
    if merged != expected {
        let (got, wanted) = (merged.len(), expected.len());
        return Err(format!(
            "{what}: {got} lines, not the {wanted} that were written, or not in order"
        )
        .into());
    }
    println!("{what}: {} lines of {FILES} files, in order", merged.len());
    Ok(())
}
