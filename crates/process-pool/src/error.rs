//! What can go wrong with a job, a submission and a shutdown.

use std::error::Error;
use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::Exit;

/// Why a job has no result. The other jobs are not affected.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The job panicked, with this message. Its worker lives on.
    Panicked(String),
    /// The worker died while it ran the job. It has been replaced.
    Crashed(Crash),
    /// The job needed more memory than its worker may have ([`Builder::memory_limit`](crate::Builder::memory_limit)), and
    /// aborted. The worker has been replaced.
    OutOfMemory {
        /// The limit, in bytes of private memory.
        limit: u64,
    },
    /// The job ran for longer than this limit. Its worker has been killed and replaced.
    TimedOut(Duration),
    /// The job was killed while it ran, by its handle or by an immediate shutdown.
    Killed,
    /// The job was cancelled before it started; it never ran.
    Cancelled,
    /// The input could not be encoded here, or not be decoded in the worker; which of the two, and why.
    Input(String),
    /// The output could not be encoded in the worker, or not be decoded here; which of the two, and why.
    Output(String),
    /// There is no job of this name in the program.
    Unregistered(String),
    /// The worker sent what makes no sense; what. It has been killed and replaced: something wrote over its memory.
    Corrupted(String),
    /// The system refused what the input or the output needed to travel: a descriptor, memory. With the error's number.
    Transport(io::Error),
    /// No worker could be started any more, so the job never ran.
    Broken(Broken),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "the job panicked: {message}"),
            Self::Crashed(crash) => crash.fmt(f),
            Self::OutOfMemory { limit } => write!(
                f,
                "the job needed more than the {limit} bytes of memory that its worker may have: raise `memory_limit`, or \
                 give it less to do"
            ),
            Self::TimedOut(limit) => write!(
                f,
                "the job ran for longer than its limit of {limit:?} and was killed: raise the limit, or give it less to do"
            ),
            Self::Killed => f.write_str("the job was killed while it ran"),
            Self::Cancelled => {
                f.write_str("the job was cancelled before it could start: submit it again if it is still needed")
            }
            Self::Input(why) => write!(f, "the input of the job {why}"),
            Self::Output(why) => write!(f, "the output of the job {why}"),
            Self::Unregistered(name) => unregistered(f, name),
            Self::Corrupted(what) => write!(
                f,
                "the worker sent what makes no sense ({what}) and was killed: look for a job that writes over foreign memory"
            ),
            Self::Transport(error) => {
                write!(f, "the system refused what the job needed to travel: {error}")
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

    /// The last line that the worker wrote to standard error, but for a backtrace, where that is captured
    /// ([`Builder::capture_stderr`](crate::Builder::capture_stderr)).
    pub fn last_line(&self) -> Option<&str> {
        self.last_line.as_deref()
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker {} in the middle of the job", self.exit)?;
        match &self.last_line {
            Some(line) => write!(f, "; the last it said: {line}"),
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
    /// The job is not among those that the program registered.
    Unregistered(&'static str),
    /// The same for a job that was named by a string.
    UnknownName(String),
    /// The input cannot be encoded; why.
    Input(String),
    /// The system refused the shared memory that a large input needs.
    Memory(io::Error),
    /// No worker could be started any more.
    Broken(Broken),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => {
                f.write_str("the pool is closed and takes no more jobs: make another one")
            }
            Self::Unregistered(name) => unregistered(f, name),
            Self::UnknownName(name) => unregistered(f, name),
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
        "no job called {name} is registered: add it to `process_pool::register!`"
    )
}

/// The pool gave up: its workers end before they are ready, again and again.
#[derive(Clone, Debug)]
pub struct Broken {
    inner: Arc<Cause>,
}

#[derive(Debug)]
struct Cause {
    tries: u32,
    why: String,
}

impl Broken {
    pub(crate) fn new(tries: u32, why: String) -> Self {
        Self {
            inner: Arc::new(Cause { tries, why }),
        }
    }

    /// How many workers in a row were started in vain.
    pub fn tries(&self) -> u32 {
        self.inner.tries
    }

    /// What became of the last one.
    pub fn why(&self) -> &str {
        &self.inner.why
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cause { tries, why } = &*self.inner;
        write!(
            f,
            "no worker could be started, {tries} tries in a row; the last one {why}"
        )
    }
}

impl Error for Broken {}

/// The time given to a shutdown ran out.
///
/// The workers go on: they finish what was accepted and end by themselves. Handles stay good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(crate) jobs: usize,
}

impl StillRunning {
    /// How many accepted jobs had not ended.
    pub fn jobs(&self) -> usize {
        self.jobs
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the time for the shutdown ran out with {} jobs left, which finish by themselves: allow more time, or use \
             `shutdown_now`",
            self.jobs
        )
    }
}

impl Error for StillRunning {}

/// Drops a value of the user and keeps its panic, should it panic, from whoever happens to drop it.
///
/// A panic out of such a drop carries a payload too, which may panic in turn. That one is leaked: it ends the chain.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
    }
}
