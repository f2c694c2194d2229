//! A directory hasher: the SHA-256 digests of all files below a folder, computed on all cores and
//! printed in the format that `sha256sum --check` reads.
//!
//! It shows `stream`: folders are read while files are hashed, and the digests are printed in the
//! order of the files, with a bound on how far the workers are ahead.
//!
//! `cargo run --release -p effective-data-parallel --example hash_tree -- [FOLDER [WORKERS]]`
//!
//! Without a folder it hashes the source of this crate. Links, sockets and devices are left out.
//! The exit status is 1 if a file could not be read, 2 if the arguments are wrong.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use effective_data_parallel::DataParallel;
use sha2::{Digest as _, Sha256};

const USAGE: &str = "usage: hash_tree [FOLDER [WORKERS]]";

/// The folder, and the number of workers if it is set.
fn settings(arguments: &[OsString]) -> Result<(PathBuf, Option<NonZeroUsize>), String> {
    let (folder, workers) = match arguments {
        [] => (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), None),
        [folder] => (folder.into(), None),
        [folder, workers] => {
            let number = workers.to_str().and_then(|text| text.parse().ok());
            let number = number.ok_or_else(|| format!("{workers:?} is not a number of workers"))?;
            (folder.into(), Some(number))
        }
        [_, _, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
    };
    fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok((folder, workers))
}

/// The files below a folder in the order of their names, or why one cannot be reached. Memory holds
/// only the names beside those on the path to the current file.
struct Files(Vec<PathBuf>);

impl Iterator for Files {
    type Item = (PathBuf, io::Result<()>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(path) = self.0.pop() {
            match fs::symlink_metadata(&path).map(|found| found.file_type()) {
                Ok(kind) if kind.is_file() => return Some((path, Ok(()))),
                Ok(kind) if kind.is_dir() => match names(&path) {
                    // The first name is on top of the stack.
                    Ok(names) => self.0.extend(names.into_iter().rev()),
                    Err(error) => return Some((path, Err(error))),
                },
                Ok(_) => {}
                Err(error) => return Some((path, Err(error))),
            }
        }
        None
    }
}

fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a line as `sha256sum` does: names are bytes; one that would break the line is escaped.
fn write_line(out: &mut impl Write, digest: &str, path: &Path) -> io::Result<()> {
    let name = path.as_os_str().as_encoded_bytes();
    let is_odd = name.iter().any(|byte| matches!(byte, b'\n' | b'\\'));
    write!(out, "{}{digest}  ", if is_odd { "\\" } else { "" })?;
    for part in name.split_inclusive(|byte| matches!(byte, b'\n' | b'\\')) {
        match part {
            [start @ .., b'\n'] => out.write_all(&[start, b"\\n"].concat())?,
            [start @ .., b'\\'] => out.write_all(&[start, b"\\\\"].concat())?,
            whole => out.write_all(whole)?,
        }
    }
    out.write_all(b"\n")
}

/// Returns how many files could not be read.
fn hash(folder: PathBuf, workers: Option<NonZeroUsize>) -> Result<usize, Box<dyn Error>> {
    let mut parallel = DataParallel::new().grain(NonZeroUsize::MIN);
    if let Some(workers) = workers {
        parallel = parallel.workers(workers)?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut unread = 0;
    let files = Files(vec![folder]);
    let digests = parallel.stream(files, |(path, found)| {
        let digest = found.and_then(|()| digest(&path));
        (path, digest)
    });
    for result in digests {
        match result? {
            (path, Ok(digest)) => write_line(&mut out, &digest, &path)?,
            (path, Err(error)) => {
                unread += 1;
                eprintln!("hash_tree: {}: {error}", path.display());
            }
        }
    }
    out.flush()?;
    Ok(unread)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments).map(|(folder, workers)| hash(folder, workers)) {
        Ok(Ok(unread)) => u8::from(unread > 0),
        Ok(Err(error)) => {
            eprintln!("hash_tree: {error}");
            1
        }
        Err(problem) => {
            eprintln!("hash_tree: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
