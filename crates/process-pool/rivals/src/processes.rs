//! The limit: a word of memory between two processes that spin.

use std::hint::spin_loop;

use effective_process_pool::{Buffer, Handle, ProcessPool, job};

job! {
    /// Answers each odd number in the first word with the next even one, so many times.
    pub fn bounce(words: Buffer, trips: u64) {
        for trip in 0..trips {
            wait_for(&words, 2 * trip + 1);
            set(&words, 2 * trip + 2);
        }
    }
}

/// A worker that is busy with nothing but answering.
pub struct Bouncing {
    words: Buffer,
    next: u64,
    job: Handle<()>,
}

impl Bouncing {
    /// Starts it, for so many trips. The pool's only worker has nothing else to do.
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

    /// There and back.
    pub fn trip(&mut self) {
        set(&self.words, self.next + 1);
        wait_for(&self.words, self.next + 2);
        self.next += 2;
    }

    /// Waits until the worker has seen that all trips are done.
    pub fn finish(self) {
        self.job.wait().expect("it only counts");
    }
}

/// One word is read and written whole.
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
