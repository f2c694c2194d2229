//! Where a signal handler leaves the frames of its thread, and the watchdog fetches them.
//!
//! Made beforehand, and all of it atomics: the handler takes no lock and asks for no memory. One question at a time; who
//! asks is kept single by a lock outside. An answer that comes late finds that the question was withdrawn, or, when it has
//! been begun, keeps the next question from being asked until it is complete.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

const FREE: u64 = 0;
const ASKED: u64 = 1;
const ANSWERING: u64 = 2;
const ANSWERED: u64 = 3;

/// State in the low bits, and above it the thread that is asked.
fn word(state: u64, thread: u32) -> u64 {
    u64::from(thread) << 2 | state
}

pub(crate) struct Mailbox {
    word: AtomicU64,
    frames: Box<[AtomicUsize]>,
    length: AtomicUsize,
}

impl Mailbox {
    /// With room for so many frames.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            word: AtomicU64::new(FREE),
            frames: (0..room).map(|_| AtomicUsize::new(0)).collect(),
            length: AtomicUsize::new(0),
        }
    }

    /// Asks a thread. `false` while an answer to an earlier question is still being written.
    pub(crate) fn ask(&self, thread: u32) -> bool {
        match self.word.load(Ordering::Acquire) & 3 {
            // A late answer that is complete is thrown away.
            FREE | ANSWERED => {
                self.word.store(word(ASKED, thread), Ordering::Release);
                true
            }
            _ => false,
        }
    }

    /// In the handler: answers, if this thread is asked. `walk` hands over frame after frame until it is told `false`.
    pub(crate) fn answer(&self, thread: u32, walk: impl FnOnce(&mut dyn FnMut(usize) -> bool)) {
        let answering = word(ANSWERING, thread);
        // Acquire: so that these frames come after whatever was read of the last ones.
        let asked = self.word.compare_exchange(
            word(ASKED, thread),
            answering,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if asked.is_err() {
            return;
        }
        let mut length = 0;
        walk(&mut |frame| {
            if let Some(place) = self.frames.get(length) {
                place.store(frame, Ordering::Relaxed);
                length += 1;
            }
            length < self.frames.len()
        });
        self.length.store(length, Ordering::Relaxed);
        // Release: who sees that it is answered sees the answer.
        self.word.store(word(ANSWERED, thread), Ordering::Release);
    }

    /// The answer, if it is complete.
    pub(crate) fn fetch(&self) -> Option<Vec<usize>> {
        if self.word.load(Ordering::Acquire) & 3 != ANSWERED {
            return None;
        }
        let length = self.length.load(Ordering::Relaxed);
        let frames = self.frames[..length].iter();
        let frames = frames.map(|frame| frame.load(Ordering::Relaxed)).collect();
        self.word.store(FREE, Ordering::Release);
        Some(frames)
    }

    /// Withdraws the question: an answer that was not begun will not be.
    pub(crate) fn withdraw(&self, thread: u32) {
        let _ = self.word.compare_exchange(
            word(ASKED, thread),
            FREE,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}
