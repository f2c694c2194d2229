//! Signals in a worker: its process group, its signal mask, and the flag it sets when it aborts for
//! lack of memory.
//!
//! These are calls that neither the standard library nor rustix offers without unsafe code.

use std::alloc::handle_alloc_error;
use std::io;
use std::mem;
use std::ptr;
use std::sync::OnceLock;

use rustix::process::setpgid;

use crate::sync::{AtomicU32, Ordering};

/// Moves this process into a group of its own. Ctrl-C on the terminal is then left to the parent,
/// and everything a job starts can be ended together with its worker.
///
/// The parent does not do this: a Ctrl-Z between the fork and the `exec` would stop a process that
/// `fg` does not continue, and the parent blocks until the `exec`. Here a Ctrl-Z either stops this
/// process in the group of its parent, with which it is continued, or is ignored.
pub(super) fn lead_own_group() -> io::Result<()> {
    // SAFETY: an all-zero `sigaction` is valid: default flags, an empty mask, and the handler
    // replaced below.
    let mut ignore: libc::sigaction = unsafe { mem::zeroed() };
    ignore.sa_sigaction = libc::SIG_IGN;
    // SAFETY: as above; it is overwritten by the first call.
    let mut before: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: both point to valid structures, and ignoring a signal runs no code.
    let was_set = unsafe { libc::sigaction(libc::SIGTSTP, &ignore, &mut before) } == 0;
    let moved = setpgid(None, None);
    if was_set {
        // SAFETY: the action was filled in by the kernel above, so it is valid.
        unsafe { libc::sigaction(libc::SIGTSTP, &before, ptr::null_mut()) };
    }
    Ok(moved?)
}

/// Blocks all signals for this thread, and for the threads it starts.
pub(super) fn block_all() {
    set_mask(true);
}

/// Unblocks all signals for this thread. The mask is inherited through `exec`: a program with a
/// `signalfd` or a signal thread blocks signals in all its threads that its workers, and the
/// programs that jobs start, must receive.
pub(super) fn unblock_all() {
    set_mask(false);
}

fn set_mask(full: bool) {
    // SAFETY: the set is filled or emptied before it is used, and the mask of the calling thread
    // concerns no memory.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        if full {
            libc::sigfillset(&mut set);
        } else {
            libc::sigemptyset(&mut set);
        }
        // It only fails for an unknown `how`.
        libc::pthread_sigmask(libc::SIG_SETMASK, &set, ptr::null_mut());
    }
}

/// The word to set when memory was refused.
static OUT_OF_MEMORY: OnceLock<&'static AtomicU32> = OnceLock::new();

/// The maximum distance between the start of [`handle_alloc_error`] and the return address of its
/// only call.
const SPAN: usize = 32;
/// The number of stack words to search: the frames between that call and the signal, and what the
/// kernel saves for the signal.
const SEARCHED: usize = 2048;
/// The number of words read at once.
const CHUNK: usize = 64;

/// Makes this process set `word` if it aborts because an allocation failed.
///
/// Rust's allocation failure and C++'s uncaught `std::bad_alloc` both end in `abort`. Unless
/// something has failed since, `errno` is then still `ENOMEM`. It is not if Rust has printed a
/// backtrace, but then the stack shows a call from [`handle_alloc_error`].
pub(super) fn note_out_of_memory(word: &'static AtomicU32) {
    let _ = OUT_OF_MEMORY.set(word);
    let handler: extern "C" fn(libc::c_int) = note_abort;
    // SAFETY: an all-zero `sigaction` is valid, and the relevant fields are set below. The handler
    // only does what a signal handler may: see its comment. It runs on the stack that it searches.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESETHAND | libc::SA_NODEFER;
        libc::sigaction(libc::SIGABRT, &action, ptr::null_mut());
    }
}

/// Sets the word if memory was refused, and lets the signal end the process. It makes system calls
/// and allocates nothing.
extern "C" fn note_abort(signal: libc::c_int) {
    let was_refused = io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM)
        || shows_failed_allocation();
    if was_refused && let Some(word) = OUT_OF_MEMORY.get() {
        word.store(1, Ordering::Release);
    }
    // SAFETY: `raise` is async-signal-safe. The disposition is the default again (`SA_RESETHAND`),
    // so this ends the process.
    unsafe { libc::raise(signal) };
}

/// Whether the stack holds a return address into [`handle_alloc_error`], which never returns.
fn shows_failed_allocation() -> bool {
    let begin = handle_alloc_error as *const () as usize;
    let mut words = [0_usize; CHUNK];
    let from = words.as_ptr().addr();
    for chunk in 1..SEARCHED / CHUNK {
        let read = libc::iovec {
            iov_base: words.as_mut_ptr().cast(),
            iov_len: size_of_val(&words),
        };
        let stack = libc::iovec {
            iov_base: ptr::without_provenance_mut(from + chunk * size_of_val(&words)),
            iov_len: size_of_val(&words),
        };
        // SAFETY: it writes to `words`, which are as long as `read` says. The kernel reads from the
        // stack on behalf of this process, and returns an error where there is no memory.
        let bytes = unsafe { libc::process_vm_readv(libc::getpid(), &read, 1, &stack, 1, 0) };
        let count = usize::try_from(bytes).unwrap_or(0) / size_of::<usize>();
        let found = &words[..count.min(CHUNK)];
        if found
            .iter()
            .any(|&word| word > begin && word <= begin + SPAN)
        {
            return true;
        }
        if count < CHUNK {
            return false;
        }
    }
    false
}
