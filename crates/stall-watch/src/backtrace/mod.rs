//! Backtraces of blocked threads.

pub(crate) mod error;
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

use error::BacktraceError;
use trace::{Address, Trace};

pub(crate) fn install() -> Result<(), BacktraceError> {
    stack::install()
}

/// Loads the debugging information, so that the first report need not wait for it.
pub(crate) fn warm_up() {
    let here = Address {
        address: warm_up as fn() as usize as u64,
        is_next: true,
    };
    resolve(here, &mut Vec::new());
}

/// The backtrace of a thread of this process, if it answers within `timeout` and `keep` then
/// returns `true`. It ends at the first frame in `poll_file`.
pub(crate) fn of_thread(
    thread: u32,
    timeout: Duration,
    poll_file: &'static str,
    keep: impl FnOnce() -> bool,
) -> Option<Backtrace> {
    let trace = stack::trace_of(thread, timeout, keep)?;
    Some(Backtrace(Arc::new(Inner {
        trace,
        poll_file,
        names: OnceLock::new(),
    })))
}

/// The stack of a blocked thread, taken while it was blocked: on Linux, on x86-64 and AArch64.
///
/// The watchdog sends the thread a signal, the highest real-time signal that was free. Its handler
/// copies the registers and up to 256 KiB of the stack into memory that was allocated beforehand,
/// and returns. It takes no lock, allocates nothing, calls neither the C library nor an unwinder,
/// and reads the stack through the kernel, so it may interrupt any code: an allocator, a panic that
/// unwinds, a compiler that registers unwind tables, a library that is being unloaded. The watchdog
/// then walks the copy by the unwind tables of the loaded objects. A frame that cannot be walked
/// ends the backtrace, see [`is_truncated`](Self::is_truncated). Names and lines are looked up
/// once, on the first thread that asks for them. The consequences for the process:
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
///   means are used; do not turn this on where a filter kills the process for it.
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
    /// The file with the polls that are watched.
    poll_file: &'static str,
    names: OnceLock<Names>,
}

/// The part of a trace that is shown.
struct Names {
    frames: Vec<Frame>,
    is_truncated: bool,
}

/// One function that the thread is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The address of the code.
    pub address: usize,
    /// The function, if its name is known.
    pub function: Option<String>,
    /// The file, if it is known.
    pub file: Option<PathBuf>,
    /// The line in it.
    pub line: Option<u32>,
}

impl Frame {
    /// Whether this is code of the standard library or of the system, which is seldom of interest.
    fn is_library(&self) -> bool {
        let Some(file) = &self.file else {
            return true;
        };
        let is_rust = file.extension().is_some_and(|extension| extension == "rs");
        let file = file.to_string_lossy();
        // The standard library as distributed, and with its source installed.
        !is_rust || file.starts_with("/rustc/") || file.contains("/lib/rustlib/src/rust/library/")
    }

    /// Whether this is code of a file of this crate. Function names would not do: those of inlined
    /// functions have no path.
    fn is_in(&self, own_file: &str) -> bool {
        let file = self.file.as_deref();
        file.is_some_and(|file| file.to_string_lossy().ends_with(own_file))
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
    /// Returns the functions that the thread is in, innermost first, down to the watched poll or to
    /// the start of the thread. The first call resolves their names, which may take milliseconds.
    pub fn frames(&self) -> &[Frame] {
        &self.names().frames
    }

    /// Returns whether outer frames are missing: the stack is deeper than what is copied (256 KiB)
    /// or walked (192 frames), or a frame could not be walked.
    pub fn is_truncated(&self) -> bool {
        self.names().is_truncated
    }

    /// Returns the innermost frame of Rust code outside the standard library: usually the line that
    /// blocks.
    pub fn location(&self) -> Option<&Frame> {
        self.frames().iter().find(|frame| !frame.is_library())
    }

    fn names(&self) -> &Names {
        self.0.names.get_or_init(|| Names::of(&self.0))
    }
}

impl Names {
    fn of(
        Inner {
            trace, poll_file, ..
        }: &Inner,
    ) -> Self {
        let mut frames = Vec::new();
        for &address in &trace.addresses {
            resolve(address, &mut frames);
        }
        let mut is_truncated = trace.is_truncated;
        let watched = |frame: &Frame| frame.is_in(poll_file);
        if let Some(first) = frames.iter().position(watched) {
            frames.truncate(first);
            is_truncated = false;
        }
        Self {
            frames,
            is_truncated,
        }
    }
}

/// Appends the frames of an address: several if functions were inlined into each other.
fn resolve(at: Address, frames: &mut Vec<Frame>) {
    let before = frames.len();
    // Addresses are pointer-sized on the supported processors.
    let address = at.address as usize;
    // The symboliser expects a return address, and looks one byte before it.
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
        if self.is_truncated() {
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
