//! System calls that a signal handler may make: without the C library, its `errno` and its locks.
#![allow(unsafe_code)]

use std::arch::asm;
use std::ffi::c_long;
use std::sync::atomic::AtomicU64;

/// The smallest page size of any processor that Linux runs on; larger ones are multiples of it.
const PAGE: usize = 4096;

/// How many pages one call reads. This bounds the handler's use of its stack.
const PAGES_PER_CALL: usize = 16;

/// The reason why memory could not be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// There is no memory at that address, or none that may be read.
    NoMemory,
    /// The system has no such call, or a seccomp filter forbids it.
    Forbidden,
}

/// Makes a system call and returns what the kernel returned: a negative number is an error.
///
/// # Safety
///
/// The call must be sound with these arguments.
#[cfg(target_arch = "x86_64")]
unsafe fn call(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the registers are those of the kernel's convention, which overwrites rax, rcx and r11
    // only. By the contract of this function, the call's effect on memory is sound.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call and returns what the kernel returned: a negative number is an error.
///
/// # Safety
///
/// The call must be sound with these arguments.
#[cfg(target_arch = "aarch64")]
unsafe fn call(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result: isize;
    // SAFETY: the registers are those of the kernel's convention, which overwrites x0 only. By the
    // contract of this function, the call's effect on memory is sound.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack),
        );
    }
    result
}

/// The system's number of the calling thread.
pub(super) fn thread_number() -> u32 {
    // SAFETY: takes no arguments, touches no memory and always succeeds.
    let number = unsafe { call(libc::SYS_gettid, [0; 6]) };
    // Thread numbers are positive and have 32 bits.
    number as u32
}

/// Copies `length` bytes of this process's own memory and returns how many of them could be read.
/// The kernel does the copying: it stops at an unmapped address and raises no signal.
///
/// # Safety
///
/// `to` must be valid for writes of `length` bytes.
pub(super) unsafe fn copy(from: usize, to: *mut u8, length: usize) -> Result<usize, Unreadable> {
    let length = length.min(usize::MAX - from);
    // SAFETY: takes no arguments, touches no memory and always succeeds.
    let process = unsafe { call(libc::SYS_getpid, [0; 6]) }.cast_unsigned();
    let mut done = 0;
    while done < length {
        let empty = libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        };
        // One piece per page: the kernel guarantees to stop only between pieces.
        let mut pieces = [empty; PAGES_PER_CALL];
        let (mut count, mut wanted) = (0, 0);
        for piece in &mut pieces {
            let start = from + done + wanted;
            let size = (PAGE - start % PAGE).min(length - done - wanted);
            if size == 0 {
                break;
            }
            piece.iov_base = std::ptr::without_provenance_mut(start);
            piece.iov_len = size;
            (count, wanted) = (count + 1, wanted + size);
        }
        let into = libc::iovec {
            // SAFETY: `done` is less than `length`, so the pointer stays within the caller's
            // buffer.
            iov_base: unsafe { to.add(done) }.cast(),
            iov_len: wanted,
        };
        // Exposed, as the kernel reads and writes through these addresses.
        let _ = to.expose_provenance();
        let into = (&raw const into).expose_provenance();
        let pieces = pieces.as_ptr().expose_provenance();
        let arguments = [process, into, 1, pieces, count, 0];
        // SAFETY: both lists are valid for the call. It reads only where the process may read, and
        // writes at most `wanted` bytes, into the caller's buffer.
        match unsafe { call(libc::SYS_process_vm_readv, arguments) } {
            read if read > 0 => {
                done += read.cast_unsigned();
                if read.cast_unsigned() < wanted {
                    break;
                }
            }
            _ if done > 0 => break,
            error if error == -(libc::EFAULT as isize) => return Err(Unreadable::NoMemory),
            _ => return Err(Unreadable::Forbidden),
        }
    }
    Ok(done)
}

/// Like [`copy`], but into words, and with a fallback where that system call is forbidden. Returns
/// how many whole words were copied. Only for memory that stays mapped: a thread's own
/// stack.
pub(super) fn copy_stack(from: usize, to: &[AtomicU64]) -> usize {
    let into = to.as_ptr().cast_mut().cast::<u8>();
    // SAFETY: atomics may be written through a shared reference, and these are as long as stated.
    match unsafe { copy(from, into, size_of_val(to)) } {
        Ok(bytes) => bytes / size_of::<u64>(),
        Err(Unreadable::NoMemory) => 0,
        Err(Unreadable::Forbidden) => copy_by_word(from, to),
    }
}

/// Copies word by word, after checking for each page that it can be read.
fn copy_by_word(from: usize, to: &[AtomicU64]) -> usize {
    let mut page = None;
    for (number, word) in to.iter().enumerate() {
        let address = from.saturating_add(number * size_of::<u64>());
        if page != Some(address / PAGE) {
            if !can_read(address) {
                return number;
            }
            page = Some(address / PAGE);
        }
        // SAFETY: the page was readable a moment ago, and is part of this thread's stack, or
        // follows it; `address` is a multiple of eight, so the word lies in that page.
        let value = unsafe { load(address) };
        word.store(value, std::sync::atomic::Ordering::Relaxed);
    }
    to.len()
}

/// Whether eight bytes can be read at an address. The kernel reads a signal set from there, and
/// then rejects the operation, which is not one that exists for signal masks.
fn can_read(address: usize) -> bool {
    let no_operation = c_long::MAX as usize;
    let arguments = [no_operation, address, 0, size_of::<u64>(), 0, 0];
    // SAFETY: the call changes nothing: either the address or the operation is refused.
    let error = unsafe { call(libc::SYS_rt_sigprocmask, arguments) };
    error == -(libc::EINVAL as isize)
}

/// Reads a word that other threads may be writing: in assembly, where that is no data race.
///
/// # Safety
///
/// There must be eight readable bytes at `address`.
unsafe fn load(address: usize) -> u64 {
    let value;
    // SAFETY: reads eight bytes, which are readable by the contract of this function, and nothing
    // else.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, [{}]", out(reg) value, in(reg) address, options(nostack, readonly, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("ldr {}, [{}]", out(reg) value, in(reg) address, options(nostack, readonly, preserves_flags));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> Vec<AtomicU64> {
        (0..count).map(|_| AtomicU64::new(0)).collect()
    }

    #[test]
    fn both_ways_of_copying_read_the_same() {
        let source: Vec<u64> = (0..5_000).collect();
        let from = source.as_ptr().addr();
        for copy in [copy_stack, copy_by_word] {
            let mut copied = words(source.len());
            assert_eq!(copy(from, &copied), source.len());
            let copied: Vec<u64> = copied.iter_mut().map(|word| *word.get_mut()).collect();
            assert_eq!(copied, source);
        }
    }

    #[test]
    fn copying_stops_where_memory_ends() {
        let size = 8 * 65_536;
        // SAFETY: a new mapping of our own, of which the upper half is made inaccessible.
        let start = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start = libc::mmap(std::ptr::null_mut(), size, protection, kind, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let upper = start.cast::<u8>().add(size / 2).cast();
            assert_eq!(libc::mprotect(upper, size / 2, libc::PROT_NONE), 0);
            start
        };
        for copy in [copy_stack, copy_by_word] {
            let copied = words(size / 8);
            assert_eq!(copy(start.addr(), &copied), size / 2 / 8);
            assert_eq!(copy(start.addr() + size / 2 - 64, &copied), 8);
            assert_eq!(copy(start.addr() + size / 2, &copied), 0);
            assert_eq!(copy(8, &copied), 0);
            assert_eq!(copy(usize::MAX - 7, &copied), 0);
        }
        // SAFETY: the mapping from above; nothing refers to it any more.
        unsafe { libc::munmap(start, size) };
    }

    #[test]
    fn thread_number_is_that_of_the_c_library() {
        // SAFETY: `gettid` has no conditions.
        assert_eq!(thread_number(), unsafe { libc::gettid() }.cast_unsigned());
    }
}
