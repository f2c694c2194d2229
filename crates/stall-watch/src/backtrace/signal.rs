//! The one place with unsafe code: a signal that makes a thread say where it is.
//!
//! The handler does three things: it asks the kernel for its thread's number, walks the stack with the unwinder of the C
//! library (`_Unwind_Backtrace` of libgcc, by way of the crate `backtrace`), and stores what it finds in a [`Mailbox`]. It
//! allocates nothing and takes no lock of ours. Of the unwinder POSIX promises nothing; what there is to know about it:
//!
//! - It finds the tables of the code it walks through by `_dl_find_object`, which glibc documents as safe in signal
//!   handlers, since glibc 2.35 and GCC 12. [`install`] refuses where that function is not there. Before that it took the
//!   loader's lock, which a thread may hold that is being loaded into.
//! - What it sets up on its first use is set up by [`install`], which walks once, outside of any handler.
//! - It reads the stack by the tables that the compiler wrote. Where these are wrong, as in some hand-written assembly, it
//!   may read what is not there. That risk is every in-process profiler's, and the reason why all this is opt-in.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::fs;
use std::io;
use std::mem;
use std::ptr;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::BacktraceError;
use super::mailbox::Mailbox;
use crate::shared::lock;

/// This file, as its frames name it.
pub(super) const FILE: &str = file!();

/// Deeper stacks are cut.
const MOST_FRAMES: usize = 192;

/// How often the answer is looked for.
const GLANCE: Duration = Duration::from_micros(50);

static MAILBOX: OnceLock<Mailbox> = OnceLock::new();

/// Installs the handler, once per process and for good: a signal that is still on its way must find it.
pub(super) fn install() -> Result<c_int, BacktraceError> {
    static SIGNAL: Mutex<Option<c_int>> = Mutex::new(None);
    let mut installed = lock(&SIGNAL);
    if let Some(signal) = *installed {
        return Ok(signal);
    }
    // SAFETY: the name ends with a zero byte; `RTLD_DEFAULT` asks for what is loaded already, and loads nothing.
    let lock_free = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
    if lock_free.is_null() {
        return Err(BacktraceError::Unsupported);
    }
    MAILBOX.get_or_init(|| Mailbox::new(MOST_FRAMES));
    // The first walk, with all that it sets up, is not to happen in a handler.
    walk(&mut |_| true);
    let signal = free_signal()?;
    // SAFETY: all-zero bytes are a valid `sigaction`: a default disposition, no flags and an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as extern "C" fn(c_int) as usize;
    // System calls that can go on afterwards do. Neither SA_SIGINFO, as the handler needs only the number, nor
    // SA_ONSTACK: the thread's own stack is the roomier one, and the walk starts on it.
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is initialised, and its handler has the type that goes with these flags. The handler is sound to
    // run at any moment on any thread, see there.
    if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } != 0 {
        return Err(BacktraceError::Refused(io::Error::last_os_error()));
    }
    *installed = Some(signal);
    Ok(signal)
}

/// The highest real-time signal that nobody uses yet. The C library's own and most programs' are the lowest.
fn free_signal() -> Result<c_int, BacktraceError> {
    for signal in (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev() {
        // SAFETY: all-zero bytes are a valid `sigaction`; without a new action the call only fills in the old one.
        let (result, now) = unsafe {
            let mut now: libc::sigaction = mem::zeroed();
            let result = libc::sigaction(signal, ptr::null(), &raw mut now);
            (result, now)
        };
        if result == 0 && now.sa_sigaction == libc::SIG_DFL {
            return Ok(signal);
        }
    }
    Err(BacktraceError::NoSignal)
}

/// Runs on the thread that is asked, in the middle of whatever it does.
extern "C" fn handle(_signal: c_int) {
    // SAFETY: `__errno_location` gives a valid pointer to this thread's own `errno`; nobody else uses it meanwhile.
    let errno = unsafe { *libc::__errno_location() };
    // An atomic load: the mailbox was made before the handler was installed.
    if let Some(mailbox) = MAILBOX.get() {
        mailbox.answer(own_number(), |frame| walk(frame));
    }
    // SAFETY: as above. The interrupted code may be about to read it.
    unsafe { *libc::__errno_location() = errno };
}

fn own_number() -> u32 {
    // SAFETY: a system call without arguments that always succeeds and is safe in signal handlers.
    let number = unsafe { libc::gettid() };
    number.cast_unsigned()
}

/// Hands over the frames of the calling thread, the innermost first, until told `false`.
fn walk(frame: &mut dyn FnMut(usize) -> bool) {
    // SAFETY: what must not be done unsynchronised is to resolve symbols on platforms whose debugging library has state;
    // on Linux a walk reads the stack of its own thread and the tables of the loaded objects only. `ip` is a plain read;
    // the closure stores into atomics, and does not unwind.
    unsafe {
        backtrace::trace_unsynchronized(|found| frame(found.ip().addr()));
    }
}

/// The frames of another thread of this process: what it was interrupted at comes first. `None` if it does not answer in
/// time: one that runs does at once, one in an uninterruptible system call does not.
pub(super) fn frames_of(thread: u32, patience: Duration) -> Option<Vec<usize>> {
    static ASKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = lock(&ASKING);
    let signal = install().ok()?;
    let mailbox = MAILBOX.get()?;
    if !would_answer(signal, thread) || !mailbox.ask(thread) {
        return None;
    }
    if !send(signal, thread) {
        mailbox.withdraw(thread);
        return None;
    }
    let deadline = Instant::now() + patience;
    loop {
        if let Some(frames) = mailbox.fetch() {
            return Some(frames);
        }
        if Instant::now() >= deadline {
            mailbox.withdraw(thread);
            return mailbox.fetch();
        }
        thread::sleep(GLANCE);
    }
}

/// Whether a thread lets the signal through, and has answered the one before. Real-time signals queue up, towards a limit
/// that all processes of the user share: one that is not taken must not be followed by more.
fn would_answer(signal: c_int, thread: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/self/task/{thread}/status")) else {
        return false;
    };
    let bit = 1_u64 << (signal - 1);
    ["SigPnd:", "SigBlk:"].iter().all(|field| {
        let set = status.lines().find_map(|line| line.strip_prefix(field));
        set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
            .is_some_and(|set| set & bit == 0)
    })
}

/// Sends the signal to one thread of this process, if it is still there.
fn send(signal: c_int, thread: u32) -> bool {
    // SAFETY: `tgkill` takes three integers. The process is this one, so no other can be hit; the signal has a handler,
    // so that a thread that took over the number of one that has ended merely finds that it is not asked, or answers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_tgkill,
            libc::getpid(),
            thread.cast_signed(),
            signal,
        )
    };
    result == 0
}

/// An address as a pointer for the symboliser, which only compares it.
pub(super) fn pointer(address: usize) -> *mut c_void {
    ptr::without_provenance_mut(address)
}
