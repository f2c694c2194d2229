//! A thread's registers and a copy of the upper part of its stack.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};

use super::registers::{self, COUNT, RED_ZONE, STACK_POINTER, WORDS};
use super::system;

/// How much of a stack is copied, in bytes. Frames further out are missing from the backtrace.
const STACK: usize = 256 * 1024;

/// The length of the longest snapshot, in words: registers, where the copy begins, and the copy.
pub(super) const ROOM: usize = WORDS + 1 + STACK / size_of::<u64>();

/// Stores a snapshot of the interrupted thread, on that thread, and returns its length. Runs in a
/// signal handler: it makes system calls and touches nothing but `words` and its own stack.
///
/// # Safety
///
/// `context` must be what the kernel passed to a handler with `SA_SIGINFO`.
#[allow(unsafe_code)]
pub(super) unsafe fn store(context: *mut c_void, words: &[AtomicU64]) -> usize {
    // SAFETY: the same contract as this function's.
    let registers = unsafe { registers::interrupted(context) };
    for (word, register) in words.iter().zip(registers) {
        word.store(register, Ordering::Relaxed);
    }
    let (Some(start), Some(stack)) = (words.get(WORDS), words.get(WORDS + 1..)) else {
        return 0;
    };
    let top = registers[STACK_POINTER] & !7;
    let mut from = top.wrapping_sub(RED_ZONE);
    let mut copied = system::copy_stack(from as usize, stack);
    if copied == 0 && RED_ZONE > 0 {
        // The red zone may reach into a page that the thread has not touched yet.
        from = top;
        copied = system::copy_stack(from as usize, stack);
    }
    start.store(from, Ordering::Relaxed);
    WORDS + 1 + copied
}

/// A snapshot taken by [`store`], as the watchdog reads it.
pub(super) struct Snapshot {
    pub(super) registers: [u64; COUNT],
    /// The address of the next instruction.
    pub(super) next: u64,
    pub(super) stack: Stack,
}

impl Snapshot {
    pub(super) fn new(words: &[u64]) -> Option<Self> {
        let (registers, rest) = words.split_first_chunk::<COUNT>()?;
        let (&[next, start], stack) = rest.split_first_chunk::<2>()?;
        Some(Self {
            registers: *registers,
            next,
            stack: Stack {
                start,
                words: stack.to_vec(),
            },
        })
    }
}

/// A copied piece of a stack, which begins at a multiple of eight.
pub(super) struct Stack {
    start: u64,
    words: Vec<u64>,
}

impl Stack {
    /// The word that was at an address. `None` if it was not copied, or is not aligned, which no
    /// saved register is.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let distance = address.checked_sub(self.start)?;
        if distance % 8 != 0 {
            return None;
        }
        self.words.get(usize::try_from(distance / 8).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_outside_of_the_copied_stack_are_unknown() {
        let mut words = vec![0; WORDS];
        words.push(4_096);
        words.extend([10, 11]);
        let stack = Snapshot::new(&words).unwrap().stack;
        let found = [0, 4_088, 4_096, 4_100, 4_104, 4_112, u64::MAX - 7].map(|at| stack.word(at));
        assert_eq!(found, [None, None, Some(10), None, Some(11), None, None]);
    }

    #[test]
    fn snapshot_without_registers_is_none() {
        assert!(Snapshot::new(&vec![0; WORDS]).is_none());
        assert!(Snapshot::new(&[]).is_none());
    }
}
