//! The reader's side of a log.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Log;

/// Between two looks at a log that goes on.
pub const LOOK: Duration = Duration::from_millis(2);

/// How much longer than it should a log may take: its writer has ended, or the disk is full.
const PATIENCE: Duration = Duration::from_secs(20);

/// A log that is followed to its end.
///
/// One look after the other, with a pause of [`LOOK`] between two: how to pause is the caller's affair. An async runner
/// whose runtime reads files on threads hands the whole of it to one of those, look by look.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    give_up: Instant,
    data: Vec<u8>,
    seen: usize,
}

impl Tail {
    pub(super) fn new(path: PathBuf, log: &Log) -> Tail {
        Tail {
            path,
            file: None,
            bytes: log.bytes,
            give_up: Instant::now() + Duration::from_nanos(log.over_ns) + PATIENCE,
            data: Vec::new(),
            seen: 0,
        }
    }

    /// Reads what there is by now. The file is opened by the first look, and removed by the one that finds its end.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or read, or has not come to its end 20 s after it should have.
    pub fn look(mut self) -> io::Result<Tail> {
        self.seen = self.data.len();
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        (&mut file)
            .take(self.bytes - self.seen as u64)
            .read_to_end(&mut self.data)?;
        if self.ended() {
            fs::remove_file(&self.path)?;
        } else if Instant::now() > self.give_up {
            return Err(io::Error::other(format!(
                "it has only {} of {} bytes, {PATIENCE:?} after its end was due",
                self.data.len(),
                self.bytes
            )));
        }
        self.file = Some(file);
        Ok(self)
    }

    /// What the last look found.
    pub fn fresh(&self) -> &[u8] {
        &self.data[self.seen..]
    }

    /// Whether all of it was seen.
    pub fn ended(&self) -> bool {
        self.data.len() as u64 == self.bytes
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::task) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn log_at(name: &str) -> (PathBuf, Tail) {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let (bytes, over_ns) = (32, 0);
        let tail = Tail::new(
            path.clone(),
            &Log {
                bytes,
                over_ns,
                seed: 0,
            },
        );
        (path, tail)
    }

    #[test]
    fn each_look_finds_what_was_added_and_the_last_removes_the_file() {
        let (path, mut tail) = log_at("tail");
        let mut file = File::create(&path).unwrap();
        for (part, ended) in [
            ("", false),
            ("the first ", false),
            ("and 22 characters more", true),
        ] {
            file.write_all(part.as_bytes()).unwrap();
            tail = tail.look().unwrap();
            assert_eq!((tail.fresh(), tail.ended()), (part.as_bytes(), ended));
        }
        assert!(!path.exists());
        assert_eq!(tail.into_data(), b"the first and 22 characters more");
    }

    #[test]
    fn a_log_that_never_ends_is_given_up() {
        let (path, mut tail) = log_at("tail-stopped");
        fs::write(&path, "12345").unwrap();
        tail.give_up = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        let error = tail.look().unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.contains("only 5 of 32 bytes"), "{error}");
    }
}
