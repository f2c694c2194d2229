//! Python's `ProcessPoolExecutor` with one worker. It times itself, so that no round includes the
//! request.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A Python process with a pool.
pub struct Python {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it.
    ///
    /// # Errors
    /// Why it does not run, in words for the user.
    pub fn start() -> Result<Self, String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/executor.py");
        let mut child = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3 does not start: {error}"))?;
        let requests = child.stdin.take();
        let answers = child
            .stdout
            .take()
            .ok_or("python3 has no standard output")?;
        let mut python = Self {
            child,
            requests,
            answers: BufReader::new(answers),
        };
        match python.line() {
            line if line == "ready" => Ok(python),
            other => Err(format!("python3 has no pool: it says {other:?}")),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.answers.read_line(&mut line);
        line.trim().to_owned()
    }

    /// Runs this work with `count` jobs, and returns the time it took.
    pub fn time(&mut self, work: &str, count: u64) -> Duration {
        let requests = self.requests.as_mut().expect("open");
        writeln!(requests, "{work} {count}").expect("python lives");
        let nanoseconds = self.line();
        Duration::from_nanos(nanoseconds.parse().expect("a number of nanoseconds"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.wait();
    }
}
