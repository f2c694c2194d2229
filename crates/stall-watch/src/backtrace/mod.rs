//! What a thread that is held up is doing.

mod mailbox;
mod signal;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) fn install() -> Result<(), BacktraceError> {
    signal::install().map(drop)
}

/// Reads in what resolving symbols needs, so that the first report does not have to wait for it.
pub(crate) fn warm_up() {
    let here = warm_up as fn() as usize;
    resolve(here, &mut Vec::new());
}

/// The backtrace of a thread of this process, if it answers in time.
pub(crate) fn of_thread(thread: u32, patience: Duration) -> Option<Backtrace> {
    let addresses = signal::frames_of(thread, patience)?;
    Some(Backtrace(Arc::new(Inner {
        addresses,
        frames: OnceLock::new(),
    })))
}

/// Why there can be no backtraces.
#[derive(Debug)]
#[non_exhaustive]
pub enum BacktraceError {
    /// The C library has no way to walk a stack from a signal handler that takes no lock.
    Unsupported,
    /// Every real-time signal is in use.
    NoSignal,
    /// The system refused the handler.
    Refused(io::Error),
}

impl fmt::Display for BacktraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str(
                "no backtraces with this C library: they need glibc 2.35 or later; leave `backtraces` out",
            ),
            Self::NoSignal => f.write_str(
                "no backtraces: all real-time signals are in use; free one, or leave `backtraces` out",
            ),
            Self::Refused(error) => write!(
                f,
                "no backtraces: the system refuses a signal handler: {error}; leave `backtraces` out"
            ),
        }
    }
}

impl Error for BacktraceError {
    /// What lies behind the cause that the words name.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::Unsupported | Self::NoSignal => None,
        }
    }
}

/// What a thread that is held up was doing when it was asked: on Linux with glibc 2.35 or later.
///
/// It is asked by a signal of its own, the highest real-time signal that is free. The handler stores the addresses of the
/// frames in memory that was made beforehand and returns; names and lines are looked up on the thread that asks for them,
/// normally the watchdog's, and once. To be known before turning this on:
///
/// - The process gets a signal handler, and keeps it.
/// - The system call that blocks is interrupted. Most are restarted, and std's own waits go on by themselves; `poll`,
///   `epoll_wait`, `nanosleep` and the like, called directly, return `EINTR`.
/// - A thread that has all signals blocked, or is in an uninterruptible wait of the kernel, does not answer: then a report
///   has no backtrace.
/// - Walking a stack in a signal handler is what profilers do, and as safe as that: the unwinder takes no lock here, but
///   it has to believe the tables of the code that it walks through.
/// - Lines need debugging information: `debug = "line-tables-only"` in the profile is enough.
#[derive(Clone)]
pub struct Backtrace(Arc<Inner>);

struct Inner {
    addresses: Vec<usize>,
    frames: OnceLock<Vec<Frame>>,
}

/// One function that the thread is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Where the code is.
    pub address: usize,
    /// The function, if its name is known.
    pub function: Option<String>,
    /// The file, if it is known.
    pub file: Option<PathBuf>,
    /// The line in it.
    pub line: Option<u32>,
}

impl Frame {
    /// Whether this is code of the standard library or of the system, which is seldom what one wants to read about.
    fn is_library(&self) -> bool {
        let Some(file) = &self.file else {
            return true;
        };
        let is_rust = file.extension().is_some_and(|extension| extension == "rs");
        let file = file.to_string_lossy();
        // The standard library as it is shipped, and as it is seen where its source is installed.
        !is_rust || file.starts_with("/rustc/") || file.contains("/lib/rustlib/src/rust/library/")
    }

    /// Whether this is code of that file of ours. Names would not do: of an inlined function the path is not known.
    fn is_in(&self, ours: &str) -> bool {
        let file = self.file.as_deref();
        file.is_some_and(|file| file.to_string_lossy().ends_with(ours))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}", file.display())?,
            (Some(file), None) => write!(f, "{}", file.display())?,
            (None, _) => write!(f, "{:#x}", self.address)?,
        }
        match &self.function {
            Some(function) => write!(f, " ({function})"),
            None => Ok(()),
        }
    }
}

impl Backtrace {
    /// The functions that the thread is in, the innermost first, down to the poll that is watched or to its beginning. The
    /// first call looks them up, which may take milliseconds.
    pub fn frames(&self) -> &[Frame] {
        self.0.frames.get_or_init(|| self.resolve())
    }

    /// The innermost frame of Rust code outside of the standard library: normally the line that blocks.
    pub fn place(&self) -> Option<&Frame> {
        self.frames().iter().find(|frame| !frame.is_library())
    }

    fn resolve(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        for &address in &self.0.addresses {
            resolve(address, &mut frames);
        }
        // The handler itself, and the way into it.
        if let Some(last) = frames.iter().rposition(|frame| frame.is_in(signal::FILE)) {
            frames.drain(..=last);
            let trampoline = frames.first().is_some_and(|frame| frame.file.is_none());
            frames.drain(..usize::from(trampoline));
        }
        let watched = |frame: &Frame| frame.is_in(crate::wrap::FILE);
        if let Some(first) = frames.iter().position(watched) {
            frames.truncate(first);
        }
        frames
    }
}

/// Appends what is at an address: several frames where functions were inlined into each other.
fn resolve(address: usize, frames: &mut Vec<Frame>) {
    let before = frames.len();
    backtrace::resolve(signal::pointer(address), |symbol| {
        frames.push(Frame {
            address,
            function: symbol.name().map(|name| format!("{name:#}")),
            file: symbol.filename().map(ToOwned::to_owned),
            line: symbol.lineno(),
        });
    });
    if frames.len() == before {
        frames.push(Frame {
            address,
            function: None,
            file: None,
            line: None,
        });
    }
}

impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = self.frames().iter().enumerate();
        for (number, frame) in frames {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{number:>4}: {frame}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backtrace").field(&self.frames()).finish()
    }
}
