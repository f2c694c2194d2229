//! [`Crew`]: the worker processes, each started again if it ends.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use workload::task::Failure;

use crate::worker::{READY, Setup, WORKER};

/// The time limit for all workers to take jobs, generous enough for a busy machine.
const START: Duration = Duration::from_secs(60);

/// How often to look whether a worker has ended, and how long to wait before it starts again.
const SLICE: Duration = Duration::from_millis(50);

/// Worker processes, each with a thread that starts it again if it ends, as a service manager does.
/// Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Crew {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    /// Dropped to end the worker.
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Crew {
    /// Starts `workers` processes and waits until each takes jobs.
    pub(crate) fn start(program: &Path, setup: &Setup, workers: usize) -> Result<Self, Failure> {
        let line = serde_json::to_string(setup).map_err(Failure::new)? + "\n";
        let (report, reports) = mpsc::channel();
        let mut crew = Self {
            members: Vec::with_capacity(workers),
        };
        for _ in 0..workers {
            crew.members.push(Member::start(
                program.to_owned(),
                line.clone(),
                report.clone(),
            )?);
        }
        drop(report);
        let deadline = Instant::now() + START;
        for _ in 0..workers {
            let left = deadline.saturating_duration_since(Instant::now());
            match reports.recv_timeout(left) {
                Ok(result) => result.map_err(Failure::new)?,
                Err(_) => return Err(Failure::new("the workers do not start")),
            }
        }
        Ok(crew)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for member in &mut self.members {
            drop(member.stop.take());
        }
        for member in &mut self.members {
            if let Some(keeper) = member.keeper.take() {
                let _ = keeper.join();
            }
        }
    }
}

impl Member {
    fn start(
        program: PathBuf,
        line: String,
        report: Sender<io::Result<()>>,
    ) -> Result<Self, Failure> {
        let (stop, stopped) = mpsc::channel();
        let keep = move || {
            let mut report = Some(report);
            loop {
                let worker = Process::start(&program, &line);
                let failed = worker.is_err();
                if let Some(report) = report.take() {
                    let _ = report.send(worker.as_ref().map(drop).map_err(copy));
                    if failed {
                        return;
                    }
                }
                // A worker that did not start again is tried again as well.
                let mut worker = worker.ok();
                while worker.as_mut().is_some_and(|worker| !worker.has_ended()) {
                    if stopped.recv_timeout(SLICE) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
                if stopped.recv_timeout(SLICE) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        };
        let keeper = thread::Builder::new().name("keeper".to_owned()).spawn(keep);
        Ok(Self {
            stop: Some(stop),
            keeper: Some(keeper.map_err(Failure::new)?),
        })
    }
}

fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// One worker process, killed when dropped.
struct Process {
    child: Child,
    /// Its end tells the worker to end.
    _stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts a worker and waits until it takes jobs.
    fn start(program: &Path, line: &str) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(WORKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let mut worker = Self {
            child,
            _stdin: stdin,
        };
        let mut said = String::new();
        if let (Some(stdin), Some(stdout)) = (&mut worker._stdin, stdout) {
            stdin.write_all(line.as_bytes())?;
            BufReader::new(stdout).read_line(&mut said)?;
        }
        if said == READY {
            Ok(worker)
        } else {
            Err(io::Error::other("a worker ended before it took jobs"))
        }
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
