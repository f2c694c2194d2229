//! The errors of building a pool, submitting a job, running it and shutting down.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use crate::panic::TaskPanic;

/// The maximum number of workers. More would exceed the descriptors of any process, and the
/// processors of any machine.
pub(crate) const MAX_WORKERS: usize = 1_024;

/// Why a pool was not built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The number of workers is 0.
    NoWorkers,
    /// The number of workers is above the maximum.
    TooManyWorkers(usize),
    /// [`Builder::recycle_after_jobs`](crate::Builder::recycle_after_jobs) was called with 0.
    RecycleAfterNoJobs,
    /// The name prefix contains a NUL byte.
    NulInName,
    /// The program has not registered the initializer.
    UnregisteredInitializer(&'static str),
    /// The input of the initializer cannot be encoded; the text says why.
    InitializerInput(String),
    /// The system refused a process, a descriptor, memory or a thread.
    System(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("a pool needs at least one worker"),
            Self::TooManyWorkers(workers) => {
                write!(
                    f,
                    "{workers} workers exceed the maximum of {MAX_WORKERS} in a pool"
                )
            }
            Self::RecycleAfterNoJobs => f.write_str(
                "a worker cannot be replaced after 0 jobs: the least is 1, a fresh worker per job",
            ),
            Self::NulInName => f.write_str("the names of the workers must not contain a NUL byte"),
            Self::UnregisteredInitializer(name) => {
                write!(
                    f,
                    "the initializer {name} is not registered: add it to \
                     `effective_process_pool::register!`"
                )
            }
            Self::InitializerInput(why) => {
                write!(f, "the input of the initializer cannot be encoded: {why}")
            }
            Self::System(error) => write!(
                f,
                "the system refused a resource that a worker needs: {error}"
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Why a job has no result. The other jobs are not affected.
///
/// # Display and source
/// `Display` includes the words of the cause. [`source`](Error::source) therefore returns what lies
/// behind that cause, so that a report of the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The job panicked; its worker lives on. Only the message crosses the process boundary, so the
    /// payload is that message, a `String`.
    Panicked(TaskPanic),
    /// The worker died while it ran the job. It is replaced.
    Crashed(Crash),
    /// The job needed more memory than its worker may have
    /// ([`Builder::memory_limit`](crate::Builder::memory_limit)), and aborted. The worker is
    /// replaced.
    OutOfMemory {
        /// The limit, in bytes of private memory.
        limit: u64,
    },
    /// The job ran longer than this limit. Its worker is killed and replaced.
    TimedOut(Duration),
    /// The job was killed while it ran, through its handle or by an immediate shutdown.
    Killed,
    /// The job was cancelled before it started.
    Cancelled,
    /// The input could not be encoded here or decoded in the worker; the text says which, and why.
    Input(String),
    /// The output could not be encoded in the worker or decoded here; the text says which, and why.
    Output(String),
    /// The program has registered no job of this name.
    Unregistered(String),
    /// The worker broke the protocol; the text says how. It is killed and replaced: a job has
    /// probably overwritten its memory.
    Corrupted(String),
    /// The system refused a resource that the input or the output needed to travel: a descriptor or
    /// memory.
    Transport(io::Error),
    /// The pool could no longer start workers, so the job never ran.
    Broken(Broken),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => write!(f, "the job panicked: {}", panic.message()),
            Self::Crashed(crash) => crash.fmt(f),
            Self::OutOfMemory { limit } => write!(
                f,
                "the job needed more than the memory limit of its worker, {limit} bytes: raise \
                 `memory_limit`, or give it less to do"
            ),
            Self::TimedOut(limit) => write!(
                f,
                "the job ran longer than its limit of {limit:?} and was killed: raise the limit, \
                 or give it less to do"
            ),
            Self::Killed => f.write_str("the job was killed while it ran"),
            Self::Cancelled => f.write_str(
                "the job was cancelled before it started: submit it again if it is still needed",
            ),
            Self::Input(why) => write!(f, "the input of the job {why}"),
            Self::Output(why) => write!(f, "the output of the job {why}"),
            Self::Unregistered(name) => unregistered(f, name),
            Self::Corrupted(what) => write!(
                f,
                "the worker broke the protocol ({what}) and was killed: look for a job that \
                 overwrites memory of others"
            ),
            Self::Transport(error) => {
                write!(
                    f,
                    "the system refused a resource to transport the job: {error}"
                )
            }
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport(error) => error.source(),
            _ => None,
        }
    }
}

/// How a worker died while it ran a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    pub(crate) exit: Exit,
    pub(crate) last_line: Option<String>,
}

impl Crash {
    /// The exit code or the signal.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The last line that the worker wrote to standard error, ignoring a backtrace. `None` unless
    /// it is captured ([`Builder::capture_stderr`](crate::Builder::capture_stderr)).
    pub fn last_line(&self) -> Option<&str> {
        self.last_line.as_deref()
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker {} in the middle of the job", self.exit)?;
        match &self.last_line {
            Some(line) => write!(f, "; its last line: {line}"),
            None => Ok(()),
        }
    }
}

impl Error for Crash {}

/// Why a job was not accepted. Nothing was started.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubmitError {
    /// The pool is closed.
    Closed,
    /// The program has registered no job of this name.
    Unregistered(String),
    /// The input cannot be encoded; the text says why.
    Input(String),
    /// The system refused the shared memory that a large input needs.
    Memory(io::Error),
    /// The pool can no longer start workers.
    Broken(Broken),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => {
                f.write_str("the pool is closed and accepts no more jobs: build another one")
            }
            Self::Unregistered(name) => unregistered(f, name),
            Self::Input(why) => write!(f, "the input of the job cannot be encoded: {why}"),
            Self::Memory(error) => write!(f, "no shared memory for the input of the job: {error}"),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl Error for SubmitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Memory(error) => error.source(),
            _ => None,
        }
    }
}

fn unregistered(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(
        f,
        "no job called {name} is registered: add it to `effective_process_pool::register!`"
    )
}

/// The pool gave up: its workers repeatedly exited before they were ready.
#[derive(Clone, Debug)]
pub struct Broken {
    inner: Arc<StartFailure>,
}

#[derive(Debug)]
struct StartFailure {
    attempts: u32,
    reason: String,
}

impl Broken {
    pub(crate) fn new(attempts: u32, reason: String) -> Self {
        Self {
            inner: Arc::new(StartFailure { attempts, reason }),
        }
    }

    /// The number of workers in a row that failed to start.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// Why the last one failed.
    pub fn reason(&self) -> &str {
        &self.inner.reason
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StartFailure { attempts, reason } = &*self.inner;
        write!(
            f,
            "no worker could be started in {attempts} attempts in a row; the last one {reason}"
        )
    }
}

impl Error for Broken {}

/// A shutdown did not finish within its timeout.
///
/// The workers finish the accepted jobs and exit by themselves. Handles stay usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(crate) jobs: usize,
}

impl StillRunning {
    /// The number of accepted jobs that had not ended.
    pub fn jobs(&self) -> usize {
        self.jobs
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the shutdown timed out with {} unfinished jobs, which finish by themselves: allow \
             more time, or use `shutdown_now`",
            self.jobs
        )
    }
}

impl Error for StillRunning {}

/// A wait for the next result timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no job ended within the timeout: wait again, or kill the remaining jobs")
    }
}

impl Error for TimedOut {}
