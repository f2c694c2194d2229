//! Rivals in Python, which time themselves, so that no round includes the request.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A rival in Python: its script, and the packages and servers that it needs.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    /// The name in the tables.
    pub name: &'static str,
    script: &'static str,
    needs: &'static str,
}

/// Dask's own scheduler and workers.
pub const DASK: Rival = Rival {
    name: "Dask distributed",
    script: "rival_dask.py",
    needs: "`pip install distributed`",
};

/// Celery over Redis.
pub const CELERY: Rival = Rival {
    name: "Celery over Redis",
    script: "rival_celery.py",
    needs: "`pip install celery redis` and a redis-server on PATH",
};

/// A Python process with its workers.
pub struct Python {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts the rival. `None`, with a line that says what it needs, if it does not run.
    pub fn start(rival: Rival) -> Option<Self> {
        let left_out = || {
            eprintln!("left out: {}: it needs {}", rival.name, rival.needs);
        };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let child = Command::new("python3")
            .arg(format!("{folder}/{}", rival.script))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            left_out();
            return None;
        };
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let mut python = Self {
            child,
            requests,
            answers: BufReader::new(answers.expect("it is a pipe")),
        };
        if python.line() == "ready" {
            return Some(python);
        }
        left_out();
        None
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.answers.read_line(&mut line);
        line.trim().to_owned()
    }

    /// Runs this work with `count` jobs of `bytes` bytes, and returns the time it took.
    ///
    /// # Panics
    /// If the process has ended.
    pub fn time(&mut self, work: &str, count: usize, bytes: usize) -> Duration {
        let requests = self.requests.as_mut().expect("open");
        writeln!(requests, "{work} {count} {bytes}").expect("python lives");
        let nanoseconds = self.line();
        Duration::from_nanos(nanoseconds.parse().expect("a number of nanoseconds"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its requests ends it, with its server and its workers.
        self.requests = None;
        let _ = self.child.wait();
    }
}
