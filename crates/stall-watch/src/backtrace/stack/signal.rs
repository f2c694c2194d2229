//! The signal by which the watchdog makes a thread take a snapshot of itself.
//!
//! The handler makes three kinds of system calls (the thread's number, the process's number, a copy
//! of the stack) and stores what they return, with the registers, in the mailbox. It does not call
//! the C library or an unwinder, takes no lock, allocates nothing, leaves `errno` alone, and reads
//! the stack through the kernel, which returns an error at unmapped addresses. So it may interrupt
//! any code. The walk happens on the watchdog's thread, see [`super::unwind`].
//!
//! The handler runs on the thread's alternate signal stack where there is one, as on all threads of
//! a Rust program: then it needs none of the stack that it interrupts. On other threads the kernel
//! needs 1 to 4 KiB there for its own frame (11 where AMX is in use), and the handler about one.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::fs;
use std::io;
use std::mem;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::modules::Modules;
use super::snapshot::{self, Snapshot};
use super::system;
use crate::backtrace::error::BacktraceError;
use crate::mailbox::Mailbox;
use crate::sync::lock;

/// The pause between two checks for the answer.
const PAUSE: Duration = Duration::from_micros(50);

static MAILBOX: OnceLock<Mailbox> = OnceLock::new();

/// The signal that the handler was installed for. No signal has the number 0.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Installs the handler for the rest of the process's life: a signal that is still pending must
/// find it. Installs it again, for another signal, if other code has taken over this one.
pub(super) fn install() -> Result<(), BacktraceError> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = lock(&INSTALLING);
    let signal = SIGNAL.load(Ordering::Relaxed);
    if signal != 0 && is_ours(signal) {
        return Ok(());
    }
    pin().map_err(BacktraceError::Refused)?;
    MAILBOX.get_or_init(|| Mailbox::new(snapshot::ROOM));
    SIGNAL.store(take_free_signal()?, Ordering::Relaxed);
    Ok(())
}

/// Keeps the code of the handler in memory, even if it is part of a shared object that gets
/// unloaded.
fn pin() -> io::Result<()> {
    let handler = handle as Handler as usize;
    let mut modules = Modules::default();
    modules.refresh();
    let program = modules.program();
    if program.is_some_and(|program| program.has_code_at(handler as u64)) {
        return Ok(());
    }
    let handler = ptr::without_provenance(handler);
    // SAFETY: all-zero bytes are a valid `Dl_info`; `dladdr` only compares the address. The name
    // that it gives is the loader's own and lives as long as this object, which runs this function.
    // It is loaded already, so `dlopen` runs no initialisers. The handle is kept: never closed.
    let object = unsafe {
        let mut info: libc::Dl_info = mem::zeroed();
        if libc::dladdr(handler, &raw mut info) == 0 {
            ptr::null_mut()
        } else {
            let how = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
            libc::dlopen(info.dli_fname, how)
        }
    };
    if object.is_null() {
        let words = "the loader cannot keep the library that contains the signal handler";
        return Err(io::Error::other(words));
    }
    Ok(())
}

/// Installs the handler for the highest real-time signal without one. The C library uses the
/// lowest, and so do most programs.
fn take_free_signal() -> Result<c_int, BacktraceError> {
    // SAFETY: all-zero bytes are a valid `sigaction`: a default disposition, no flags, an empty
    // mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as Handler as usize;
    // `SA_RESTART`: interrupted system calls are restarted where possible.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    for signal in (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev() {
        if disposition(signal).is_none_or(|now| now.sa_sigaction != libc::SIG_DFL) {
            continue;
        }
        let before = exchange(signal, &action).map_err(BacktraceError::Refused)?;
        if before.sa_sigaction == libc::SIG_DFL {
            return Ok(signal);
        }
        // Another thread has taken the signal in the meantime: its handler is put back.
        exchange(signal, &before).map_err(BacktraceError::Refused)?;
    }
    Err(BacktraceError::NoSignal)
}

/// Replaces the disposition of a signal, by our handler or by an earlier one, and returns the
/// previous one.
fn exchange(signal: c_int, action: &libc::sigaction) -> io::Result<libc::sigaction> {
    // SAFETY: all-zero bytes are a valid `sigaction`. `action` is either what the system has
    // returned for this signal or names a handler of the type that goes with its flags, which is
    // sound to run at any moment on any thread and stays in memory, see `handle` and `pin`.
    let (result, before) = unsafe {
        let mut before: libc::sigaction = mem::zeroed();
        let result = libc::sigaction(signal, action, &raw mut before);
        (result, before)
    };
    if result == 0 {
        Ok(before)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The disposition of a signal. `None` for signals that are reserved by the system.
fn disposition(signal: c_int) -> Option<libc::sigaction> {
    // SAFETY: all-zero bytes are a valid `sigaction`; without a new action the call only fills in
    // the old one.
    let (result, now) = unsafe {
        let mut now: libc::sigaction = mem::zeroed();
        let result = libc::sigaction(signal, ptr::null(), &raw mut now);
        (result, now)
    };
    (result == 0).then_some(now)
}

/// Whether the signal still runs our handler. Other code may have installed its own, or reset all
/// signals to their defaults, which for this one is to end the process.
fn is_ours(signal: c_int) -> bool {
    disposition(signal).is_some_and(|now| now.sa_sigaction == handle as Handler as usize)
}

/// Runs on the thread that is asked, at any point of its code.
extern "C" fn handle(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    // An atomic load: the mailbox was made before the handler was installed.
    if let Some(mailbox) = MAILBOX.get() {
        mailbox.answer(system::thread_number(), |words| {
            // SAFETY: the handler is installed with `SA_SIGINFO` and hands on what it was passed.
            unsafe { snapshot::store(context, words) }
        });
    }
}

/// A snapshot of another thread of this process. `None` if it does not answer in time: a thread
/// that runs does so at once, one in an uninterruptible system call does not.
pub(super) fn snapshot_of(thread: u32, timeout: Duration) -> Option<Snapshot> {
    static ASKING: Mutex<()> = Mutex::new(());
    let deadline = Instant::now() + timeout;
    // Not a plain `lock`: in the child of a fork it may be held by a thread that does not exist
    // there.
    let _one_at_a_time = wait_for(deadline, || match ASKING.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    })?;
    let signal = SIGNAL.load(Ordering::Relaxed);
    let mailbox = MAILBOX.get()?;
    if !is_ours(signal) {
        return None;
    }
    free_abandoned(mailbox, signal, deadline);
    if !would_answer(signal, thread) || !mailbox.ask(thread) {
        return None;
    }
    if !send(signal, thread) {
        mailbox.withdraw(thread);
        return None;
    }
    let words = wait_for(deadline, || mailbox.fetch()).or_else(|| {
        mailbox.withdraw(thread);
        mailbox.fetch()
    });
    Snapshot::new(&words?)
}

/// Frees the mailbox of an answer that will not be completed, see [`Mailbox`].
fn free_abandoned(mailbox: &Mailbox, signal: c_int, deadline: Instant) {
    let Some(thread) = mailbox.answering() else {
        return;
    };
    if !Path::new(&format!("/proc/self/task/{thread}")).exists() {
        mailbox.forget(thread);
    } else if would_answer(signal, thread) && send(signal, thread) {
        // It is not in the handler, or the signal would be blocked. Its next run of the handler
        // frees the mailbox.
        wait_for(deadline, || mailbox.answering().is_none().then_some(()));
    }
}

/// Retries `attempt` until it returns a value, or the deadline has passed.
fn wait_for<T>(deadline: Instant, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = attempt() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

/// Whether a thread lets the signal through and has none pending. Real-time signals queue up, and
/// count towards a limit that all processes of the user share: none may be sent while one is
/// pending.
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

/// Sends the signal to one thread of this process, if it is still there and the handler is still
/// ours.
fn send(signal: c_int, thread: u32) -> bool {
    if !is_ours(signal) {
        return false;
    }
    // SAFETY: `tgkill` takes three integers. The process is this one, so that no other can be hit.
    // A thread that has the number of an ended one finds that it is not asked, or answers.
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
