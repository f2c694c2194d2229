//! A text search: the lines that contain a word, in all files below a folder, read by a pool of
//! threads while the folders are still being walked.
//!
//! It shows jobs whose results lead to more jobs, results as they come (`as_completed`), a pool
//! that grows with the work, and a bound on the jobs that wait.
//!
//! `cargo run --release -p effective-thread-pool --example find_text -- [WORD [FOLDER [WORKERS]]]`
//!
//! Without arguments it looks for `unsafe` in the source of this crate. Files that are no text are
//! left out, and links are not followed. The exit status is 1 if a file could not be read, 2 if the
//! arguments are wrong.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use effective_thread_pool::{ThreadPool, as_completed};

const USAGE: &str = "usage: find_text [WORD [FOLDER [WORKERS]]]";

/// The finds of a job, in the files of one folder.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    folders: Vec<PathBuf>,
    failures: Vec<String>,
}

/// The word, the folder, and a pool that has one thread while there is one folder, and more while
/// there are many.
fn settings(arguments: &[OsString]) -> Result<(String, PathBuf, ThreadPool), String> {
    let text = |index: usize, default: &str| match arguments.get(index) {
        None => default.to_owned(),
        Some(text) => text.to_string_lossy().into_owned(),
    };
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = arguments.get(1).map_or_else(own, PathBuf::from);
    let (word, workers) = (text(0, "unsafe"), text(2, "8"));
    if word.is_empty() || arguments.len() > 3 {
        return Err("there must be a word, and at most three arguments".to_owned());
    }
    fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let builder = ThreadPool::builder().min_workers(1).max_pending(64);
    let workers = workers
        .parse()
        .map_err(|_| format!("{workers} is not a number of workers"))?;
    let pool = builder.workers(workers).name_prefix("search").build();
    Ok((word, folder, pool.map_err(|error| error.to_string())?))
}

/// The job: searches the files of a folder.
fn search(folder: &Path, word: &str) -> Found {
    let mut found = Found::default();
    let mut search_all = || {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        for entry in entries {
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                found.folders.push(path);
            } else if kind.is_file()
                && let Err(error) = search_file(&path, word, &mut found.lines)
            {
                found.failures.push(format!("{}: {error}", path.display()));
            }
        }
        Ok::<(), io::Error>(())
    };
    if let Err(error) = search_all() {
        found
            .failures
            .push(format!("{}: {error}", folder.display()));
    }
    found
}

fn search_file(path: &Path, word: &str, lines: &mut Vec<String>) -> io::Result<()> {
    let mut found = Vec::new();
    for (line, number) in BufReader::new(File::open(path)?).lines().zip(1..) {
        match line {
            Ok(line) if line.contains(word) => {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
            Ok(_) => {}
            // No text, whatever its first lines are.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    lines.append(&mut found);
    Ok(())
}

/// Returns whether all files could be read.
fn search_tree(word: &str, folder: PathBuf, pool: &ThreadPool) -> Result<bool, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let (mut next, mut lines, mut failures) = (vec![folder], 0, 0);
    while !next.is_empty() {
        let mut handles = Vec::new();
        for folder in next.drain(..) {
            let word = word.to_owned();
            handles.push(pool.submit(move || search(&folder, &word))?);
        }
        for (_, found) in as_completed(handles) {
            let found = found?;
            next.extend(found.folders);
            lines += found.lines.len();
            failures += found.failures.len();
            found
                .lines
                .iter()
                .try_for_each(|line| writeln!(out, "{line}"))?;
            found
                .failures
                .iter()
                .for_each(|failure| eprintln!("find_text: {failure}"));
        }
    }
    writeln!(out, "{lines} lines")?;
    Ok(failures == 0)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments).map(|(word, folder, pool)| search_tree(&word, folder, &pool)) {
        Ok(Ok(complete)) => u8::from(!complete),
        Ok(Err(error)) => {
            eprintln!("find_text: {error}");
            1
        }
        Err(problem) => {
            eprintln!("find_text: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
