//! The limit: two processes that spin on a word of shared memory.

use std::hint::spin_loop;

use effective_process_pool::{Buffer, Handle, ProcessPool, job};

job! {
    /// Answers each odd number in the first word with the next even one, `trips` times.
    pub fn bounce(words: Buffer, trips: u64) {
        for trip in 0..trips {
            wait_for(&words, 2 * trip + 1);
            set(&words, 2 * trip + 2);
        }
    }
}

/// A worker that only answers.
pub struct Bouncing {
    words: Buffer,
    next: u64,
    job: Handle<()>,
}

impl Bouncing {
    /// Starts it for `trips` round trips. It occupies the pool's only worker.
    pub fn start(pool: &ProcessPool, trips: u64) -> Self {
        let words = Buffer::new(4096).expect("memory");
        let job = pool
            .submit::<bounce>((words.clone(), trips))
            .expect("accepted");
        Self {
            words,
            next: 0,
            job,
        }
    }

    /// Makes one round trip.
    pub fn trip(&mut self) {
        set(&self.words, self.next + 1);
        wait_for(&self.words, self.next + 2);
        self.next += 2;
    }

    /// Waits until the worker has seen the last trip.
    pub fn finish(self) {
        self.job.wait().expect("it only counts");
    }
}

/// Reads and writes whole words.
fn set(words: &Buffer, number: u64) {
    words
        .write_at(0, &number.to_ne_bytes())
        .expect("there is a word");
}

fn wait_for(words: &Buffer, number: u64) {
    let mut bytes = [0; 8];
    loop {
        words.read_at(0, &mut bytes).expect("there is a word");
        if u64::from_ne_bytes(bytes) == number {
            return;
        }
        spin_loop();
    }
}
