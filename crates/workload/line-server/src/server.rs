use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that is read as an address, in bytes.
const LONGEST_ADDRESS: u64 = 1024;

/// A server in a process of its own. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    // Closing it tells the server to shut down.
    stdin: Option<ChildStdin>,
    address: SocketAddr,
}

impl Server {
    /// Starts the program and waits for the address that it prints.
    ///
    /// # Errors
    /// If it cannot be started, or prints something else.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        let read = child
            .stdout
            .take()
            .map(|stdout| BufReader::new(stdout.take(LONGEST_ADDRESS)).read_line(&mut line));
        let address = line.trim_end().parse();
        let address = address.map_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
            io::Error::other(format!(
                "{} printed {line:?} and no address ({read:?})",
                program.display()
            ))
        })?;
        Ok(Self {
            child,
            stdin,
            address,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its open descriptors, if the system shows it.
    pub fn descriptors(&self) -> Option<usize> {
        self.count("fd")
    }

    /// The number of its threads, if the system shows it.
    pub fn threads(&self) -> Option<usize> {
        self.count("task")
    }

    fn count(&self, what: &str) -> Option<usize> {
        let folder = format!("/proc/{}/{what}", self.child.id());
        Some(std::fs::read_dir(folder).ok()?.count())
    }

    /// Its resident memory in bytes, if the system shows it.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }

    /// Tells it to shut down, without waiting.
    pub fn tell_to_end(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has ended; `None` if it has not within `time`.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn ended_within(&mut self, time: Duration) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + time;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= until {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
