//! The reader of a log.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::exchange::exchange;
use super::super::fetch::{FetchError, body_of};
use super::grow::Lines;
use super::place;
use super::request::{ANSWER, LINE, Log};

/// The pause between two looks at a growing log.
pub const LOOK: Duration = Duration::from_millis(2);

/// How late a log may be. Then its writer has ended, or the disk is full.
const PATIENCE: Duration = Duration::from_secs(20);

/// A log that is followed to its end.
///
/// The caller pauses for [`LOOK`] between two looks, in its own way. An async runner whose runtime
/// reads files on threads calls [`look`](Self::look) on one of those.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    seed: u64,
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
            seed: log.seed,
            give_up: Instant::now() + Duration::from_nanos(log.over_ns) + PATIENCE,
            data: Vec::new(),
            seen: 0,
        }
    }

    /// Reads the bytes that are there by now. The first look opens the file, and the one that finds
    /// the end removes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read, is not the requested log, or is not complete 20 s
    /// after it should be. It is not removed then.
    pub fn look(mut self) -> io::Result<Tail> {
        self.seen = self.data.len();
        let mut file = match self.file.take() {
            Some(file) => file,
            None => place::open(&self.path)?,
        };
        // One byte more than expected shows that this is another file.
        (&mut file)
            .take(self.bytes - self.seen as u64 + 1)
            .read_to_end(&mut self.data)?;
        if !self.is_what_was_asked_for() {
            return Err(io::Error::other("it is not the log that was asked for"));
        }
        if self.ended() {
            place::remove(&self.path, &file)?;
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

    /// Whether this is the requested log and not another file: it is not longer than requested, and
    /// its first line follows from the seed.
    fn is_what_was_asked_for(&self) -> bool {
        let was_checked = self.seen >= LINE;
        let begins_right = match self.data.first_chunk::<LINE>() {
            Some(line) if !was_checked => *line == Lines::new(self.seed).next(),
            _ => true,
        };
        begins_right && self.data.len() as u64 <= self.bytes
    }

    /// The bytes that the last look found.
    pub fn fresh(&self) -> &[u8] {
        &self.data[self.seen..]
    }

    /// Whether the end was reached.
    pub fn ended(&self) -> bool {
        self.data.len() as u64 == self.bytes
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::task) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

impl Log {
    /// Extracts the path from the server's whole answer: the log can be followed from now on.
    ///
    /// `folder` contains the logs. A path anywhere else is refused.
    ///
    /// # Errors
    ///
    /// If `response` does not have status 200 and the path of a file in that folder.
    pub fn tail(&self, response: Vec<u8>, folder: &Path) -> Result<Tail, FetchError> {
        let path = String::from_utf8(body_of(response)?)
            .map_err(|_| FetchError::Response("the path of the log is not UTF-8".to_owned()))?;
        let path = PathBuf::from(path);
        if !place::is_in(&path, folder) {
            return Err(FetchError::Response(format!(
                "the server names {path:?}, which is not directly in {}, the folder of the inputs: start it with that folder",
                folder.display()
            )));
        }
        Ok(Tail::new(path, self))
    }

    pub(in super::super) fn blocking(
        &self,
        server: SocketAddr,
        folder: &Path,
    ) -> Result<Tail, FetchError> {
        let response = exchange(server, &self.request(), ANSWER, self.patience())?;
        self.tail(response, folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    use super::super::request::answer;

    /// The line that follows from this seed.
    fn line() -> [u8; LINE] {
        Lines::new(7).next()
    }

    fn log_at(name: &str) -> (PathBuf, Tail) {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let (bytes, over_ns, seed) = (32, 0, 7);
        let log = Log {
            bytes,
            over_ns,
            seed,
        };
        (path.clone(), Tail::new(path, &log))
    }

    #[test]
    fn looks_find_new_bytes_and_the_last_removes_the_file() {
        let (path, mut tail) = log_at("tail");
        let mut file = File::create(&path).unwrap();
        for (part, ended) in [(0..0, false), (0..10, false), (10..32, true)] {
            let part = &line()[part];
            file.write_all(part).unwrap();
            tail = tail.look().unwrap();
            assert_eq!((tail.fresh(), tail.ended()), (part, ended));
        }
        assert!(!path.exists());
        assert_eq!(tail.into_data(), line());
    }

    #[test]
    fn endless_log_is_given_up() {
        let (path, mut tail) = log_at("tail-stopped");
        fs::write(&path, "12345").unwrap();
        tail.give_up = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        let error = tail.look().unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.contains("only 5 of 32 bytes"), "{error}");
    }

    #[test]
    fn file_that_is_not_the_log_is_not_removed() {
        for (name, content) in [
            ("of its length", vec![b'x'; 32]),
            ("longer", vec![b'x'; 4096]),
            ("a log that goes on", [&line()[..], b"more"].concat()),
        ] {
            let (path, tail) = log_at("tail-victim");
            fs::write(&path, &content).unwrap();
            let error = tail.look().expect_err(name).to_string();
            assert!(error.contains("not the log"), "{name}: {error}");
            assert_eq!(fs::read(&path).expect(name), content);
            fs::remove_file(&path).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn link_and_pipe_are_neither_followed_nor_removed() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let (path, tail) = log_at("tail-link");
        let target = path.with_extension("target");
        fs::write(&target, line()).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(tail.look().is_err(), "a symbolic link");
        fs::remove_file(&path).unwrap();
        fs::hard_link(&target, &path).unwrap();
        assert!(log_at("tail-link").1.look().is_err(), "a second name");
        fs::remove_file(&path).unwrap();
        assert_eq!(fs::read(&target).unwrap(), line());
        fs::remove_file(&target).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(log_at("tail-link").1.look().is_err(), "a pipe");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn answer_is_a_path_or_an_error() {
        let log = Log {
            bytes: 64,
            over_ns: 1_000,
            seed: 42,
        };
        let folder = Path::new("/tmp");
        let path = Path::new("/tmp/log-0");
        let tail = log.tail(answer(path).unwrap().into_bytes(), folder);
        assert_eq!(tail.unwrap().path(), path);
        let refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let error = log.tail(refused.to_vec(), folder).unwrap_err();
        assert!(error.to_string().contains("400"), "{error}");
    }
}
