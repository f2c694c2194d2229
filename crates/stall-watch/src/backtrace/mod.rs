//! Backtraces of held-up threads.

mod error;
#[cfg_attr(
    not(all(
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "elsewhere.rs"
)]
mod stack;
mod trace;

use std::ffi::c_void;
use std::fmt;
use std::path::PathBuf;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use error::BacktraceError;
use trace::{Address, Trace};

pub(crate) fn install() -> Result<(), BacktraceError> {
    stack::install()
}

/// Reads in what resolving symbols needs, so that the first report does not have to wait for it.
pub(crate) fn warm_up() {
    let here = Address {
        address: warm_up as fn() as usize as u64,
        is_next: true,
    };
    resolve(here, &mut Vec::new());
}

/// The backtrace of a thread of this process, if it answers in time and `keep` then returns `true`.
pub(crate) fn of_thread(
    thread: u32,
    patience: Duration,
    keep: impl FnOnce() -> bool,
) -> Option<Backtrace> {
    let trace = stack::trace_of(thread, patience, keep)?;
    Some(Backtrace(Arc::new(Inner {
        trace,
        names: OnceLock::new(),
    })))
}

/// The stack of a held-up thread, taken while it was held up: on Linux, on x86-64 and AArch64.
///
/// The watchdog sends the thread a signal, the highest real-time signal that was free. Its handler
/// copies the registers and up to 256 KiB of the stack into memory that was allocated beforehand,
/// and returns. It takes no lock, allocates nothing, calls neither the C library nor an unwinder,
/// and reads the stack through the kernel, so it may interrupt any code: an allocator, a panic that
/// unwinds, a compiler that registers unwind tables, a library that is being unloaded. The watchdog
/// then walks the copy by the unwind tables of the loaded objects. A frame that cannot be walked
/// ends the backtrace, see [`is_cut`](Self::is_cut). Names and lines are looked up once, on the
/// first thread that asks for them. What this means for the process:
///
/// - It gets a signal handler for the rest of its life. A library that contains the handler is not
///   unloaded.
/// - The system call that blocks is interrupted. Most are restarted by the kernel or by std.
///   `poll`, `epoll_wait`, `nanosleep` and the like, called directly, return `EINTR`, and so do
///   reads and writes of std's sockets that have a time limit (`set_read_timeout`,
///   `set_write_timeout`): they fail with [`Interrupted`](std::io::ErrorKind::Interrupted).
/// - The handler runs on the thread's alternate signal stack, which all threads of a Rust program
///   have. On a thread without one it needs 5 KiB of its stack; 12 where the AMX registers are
///   used.
/// - If other code takes the signal or resets it to its default, there are no more backtraces,
///   until another watch is built. The watchdog checks before each signal; code that resets a
///   signal at the very moment between that check and the signal would end the process.
/// - The copy is made with `process_vm_readv`. Where a seccomp filter makes that call fail, slower
///   means are used; where a filter kills the process for it, do not turn this on.
/// - The child of a `fork` that does not call `exec` may get no backtraces.
///
/// A report has no backtrace if the thread blocks all signals or is in an uninterruptible wait of
/// the kernel. A backtrace ends early, or leaves frames out, where code has no unwind tables and
/// keeps no frame pointers (code made at run time, hand-written assembly), and where a signal has
/// moved the thread to another stack.
///
/// Lines need debugging information: `debug = "line-tables-only"` in the profile is enough.
#[derive(Clone)]
pub struct Backtrace(Arc<Inner>);

struct Inner {
    trace: Trace,
    names: OnceLock<Names>,
}

/// The part of a trace that is shown.
struct Names {
    frames: Vec<Frame>,
    is_cut: bool,
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
    /// The functions that the thread is in, the innermost first, down to the poll that is watched
    /// or to the thread's beginning. The first call looks them up, which may take milliseconds.
    pub fn frames(&self) -> &[Frame] {
        &self.names().frames
    }

    /// Whether outer frames are missing: the stack is deeper than what is copied (256 KiB) or
    /// walked (192 frames), or there was a frame that could not be walked.
    pub fn is_cut(&self) -> bool {
        self.names().is_cut
    }

    /// The innermost frame of Rust code outside of the standard library: normally the line that blocks.
    pub fn place(&self) -> Option<&Frame> {
        self.frames().iter().find(|frame| !frame.is_library())
    }

    fn names(&self) -> &Names {
        self.0.names.get_or_init(|| Names::of(&self.0.trace))
    }
}

impl Names {
    fn of(trace: &Trace) -> Self {
        let mut frames = Vec::new();
        for &address in &trace.addresses {
            resolve(address, &mut frames);
        }
        let mut is_cut = trace.is_cut;
        let watched = |frame: &Frame| frame.is_in(crate::wrap::FILE);
        if let Some(first) = frames.iter().position(watched) {
            frames.truncate(first);
            is_cut = false;
        }
        Self { frames, is_cut }
    }
}

/// Appends what is at an address: several frames where functions were inlined into each other.
fn resolve(at: Address, frames: &mut Vec<Frame>) {
    let before = frames.len();
    // An address fits a pointer on the processors that have backtraces.
    let address = at.address as usize;
    // The symboliser takes an address for one that follows a call, and looks one byte before it.
    let following = at.within().wrapping_add(1) as usize;
    let pointer: *mut c_void = ptr::without_provenance_mut(following);
    backtrace::resolve(pointer, |symbol| {
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
        if self.is_cut() {
            f.write_str("\n      … outer frames are missing")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backtrace").field(&self.frames()).finish()
    }
}
