//! The mailbox through which a signal handler passes a snapshot of its thread to the watchdog, see
//! `backtrace/stack/signal.rs`.
//!
//! It is made before the handler is installed and consists of atomics only, so that the handler
//! neither locks nor allocates. It holds one question at a time; the caller serialises the asking
//! side with a lock.
//!
//! An answer is written between the states `ANSWERING` and `ANSWERED`. Only the thread that was
//! asked writes, and nothing reads or asks again before it has finished, so a late answer never
//! mixes with the next one. A handler that is abandoned midway (another signal's handler
//! interrupted it and jumped out of both) leaves `ANSWERING` behind. Two events prove that nothing
//! more will be written, and free the mailbox: the same thread enters the handler again, which
//! masks the signal while it runs, or the thread has ended.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use crate::sync::{AtomicU64, Ordering};

const FREE: u64 = 0;
const ASKED: u64 = 1;
const ANSWERING: u64 = 2;
const ANSWERED: u64 = 3;

/// State in the low bits, and above it the thread that is asked.
fn word(state: u64, thread: u32) -> u64 {
    u64::from(thread) << 2 | state
}

pub struct Mailbox {
    word: AtomicU64,
    answer: Box<[AtomicU64]>,
    length: AtomicU64,
}

impl Mailbox {
    /// A mailbox for answers of up to `room` words.
    pub fn new(room: usize) -> Self {
        Self {
            word: AtomicU64::new(FREE),
            answer: (0..room).map(|_| AtomicU64::new(0)).collect(),
            length: AtomicU64::new(0),
        }
    }

    /// Asks a thread. `false` while an answer to an earlier question is still being written.
    pub fn ask(&self, thread: u32) -> bool {
        match self.word.load(Ordering::Acquire) & 3 {
            // A late but complete answer is discarded.
            FREE | ANSWERED => {
                self.word.store(word(ASKED, thread), Ordering::Release);
                true
            }
            _ => false,
        }
    }

    /// In the handler: answers if this thread is asked. `write` stores the answer and returns its
    /// length in words.
    pub fn answer(&self, thread: u32, write: impl FnOnce(&[AtomicU64]) -> usize) {
        self.forget(thread);
        let answering = word(ANSWERING, thread);
        // Acquire: so that this answer is written after the watchdog has read the last one.
        let asked = self.word.compare_exchange(
            word(ASKED, thread),
            answering,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if asked.is_err() {
            return;
        }
        let length = write(&self.answer);
        self.length.store(length as u64, Ordering::Relaxed);
        // Release: a thread that sees the state sees the answer. It fails only if this answer was
        // forgotten, and then the state belongs to another question.
        let _ = self.word.compare_exchange(
            answering,
            word(ANSWERED, thread),
            Ordering::Release,
            Ordering::Relaxed,
        );
    }

    /// The answer, if it is complete.
    pub fn fetch(&self) -> Option<Vec<u64>> {
        if self.word.load(Ordering::Acquire) & 3 != ANSWERED {
            return None;
        }
        // It was stored from a `usize`.
        let length = self.length.load(Ordering::Relaxed) as usize;
        let words = self.answer.iter().take(length);
        let words = words.map(|word| word.load(Ordering::Relaxed)).collect();
        self.word.store(FREE, Ordering::Release);
        Some(words)
    }

    /// Withdraws the question: an answer that has not been begun will not be.
    pub fn withdraw(&self, thread: u32) {
        let _ = self.word.compare_exchange(
            word(ASKED, thread),
            FREE,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// The thread that is writing its answer, or has abandoned it.
    pub fn answering(&self) -> Option<u32> {
        let word = self.word.load(Ordering::Relaxed);
        // The thread number has 32 bits.
        (word & 3 == ANSWERING).then_some((word >> 2) as u32)
    }

    /// Frees the mailbox if this thread has begun an answer. The thread must not go on with that
    /// answer: either the caller is the thread itself, in a later run of the handler, or the thread
    /// has ended.
    pub fn forget(&self, thread: u32) {
        // Release: so that the next answer is written after what this thread has written.
        let _ = self.word.compare_exchange(
            word(ANSWERING, thread),
            FREE,
            Ordering::Release,
            Ordering::Relaxed,
        );
    }
}
