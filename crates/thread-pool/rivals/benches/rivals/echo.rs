//! Two threads and two words: the minimum cost of a hand-over.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle, Thread};

/// How either side waits for the other.
#[derive(Clone, Copy)]
pub(crate) enum Waiting {
    Parked,
    Spinning,
}

const NOTHING: u64 = u64::MAX;
const END: u64 = u64::MAX - 1;

struct Words {
    request: AtomicU64,
    answer: AtomicU64,
}

/// A thread that answers one request at a time.
pub(crate) struct Echo {
    words: Arc<Words>,
    waiting: Waiting,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    pub(crate) fn start(waiting: Waiting, answer: fn(u64) -> u64) -> Self {
        let words = Arc::new(Words {
            request: AtomicU64::new(NOTHING),
            answer: AtomicU64::new(NOTHING),
        });
        let theirs = Arc::clone(&words);
        let caller = thread::current();
        let thread = thread::spawn(move || {
            loop {
                match take(&theirs.request, waiting) {
                    END => break,
                    n => give(&theirs.answer, answer(n), &caller, waiting),
                }
            }
        });
        Self {
            words,
            waiting,
            thread: Some(thread),
        }
    }

    /// Must be called on the thread that started it, with `n` below the reserved values.
    pub(crate) fn trip(&self, n: u64) -> u64 {
        self.send(n);
        take(&self.words.answer, self.waiting)
    }

    fn send(&self, n: u64) {
        if let Some(thread) = &self.thread {
            give(&self.words.request, n, thread.thread(), self.waiting);
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.send(END);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it answers without a panic");
        }
    }
}

fn give(word: &AtomicU64, n: u64, to: &Thread, waiting: Waiting) {
    word.store(n, Ordering::Release);
    if let Waiting::Parked = waiting {
        to.unpark();
    }
}

fn take(word: &AtomicU64, waiting: Waiting) -> u64 {
    loop {
        let n = word.load(Ordering::Acquire);
        if n != NOTHING {
            word.store(NOTHING, Ordering::Relaxed);
            return n;
        }
        match waiting {
            Waiting::Parked => thread::park(),
            Waiting::Spinning => spin_loop(),
        }
    }
}
