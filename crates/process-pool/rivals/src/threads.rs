//! The limits: two threads that share a word of memory, the best that two processes can reach.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use rustix::thread::futex;

/// Another thread, which answers each odd number with the next even one.
pub struct Pair {
    word: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    blocking: bool,
    thread: Option<JoinHandle<()>>,
}

impl Pair {
    /// Starts the thread. Both spin, or both sleep.
    pub fn start(blocking: bool) -> Self {
        let word = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, stopped) = (Arc::clone(&word), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            loop {
                let number = wait_for(&theirs, 1, blocking, &stopped);
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                set(&theirs, number.wrapping_add(1), blocking);
            }
        });
        Self {
            word,
            stop,
            blocking,
            thread: Some(thread),
        }
    }

    /// Makes one round trip.
    pub fn trip(&self) {
        let number = self.word.load(Ordering::Relaxed);
        set(&self.word, number.wrapping_add(1), self.blocking);
        wait_for(&self.word, 0, self.blocking, &self.stop);
    }

    /// Ends the other thread, so that it takes no processor from others.
    pub fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        set(&self.word, 1, self.blocking);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it has no panics");
        }
    }
}

fn set(word: &AtomicU32, number: u32, blocking: bool) {
    word.store(number, Ordering::Release);
    if blocking {
        let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
    }
}

fn wait_for(word: &AtomicU32, parity: u32, blocking: bool, stop: &AtomicBool) -> u32 {
    loop {
        let number = word.load(Ordering::Acquire);
        if number % 2 == parity || stop.load(Ordering::Relaxed) {
            return number;
        }
        if blocking {
            let _ = futex::wait(word, futex::Flags::PRIVATE, number, None);
        } else {
            spin_loop();
        }
    }
}
