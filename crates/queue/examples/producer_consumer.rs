//! Three workers share the lines of a report. One of them panics on a bad line, and no thread
//! hangs.
//!
//! `cargo run -p effective-queue --example producer_consumer`

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use effective_queue::Queue;

fn main() {
    // Room for four lines: the producer waits for the workers, so memory stays flat.
    let queue = Queue::<String>::bounded(NonZeroUsize::new(4).expect("not zero"));
    let words = AtomicUsize::new(0);
    thread::scope(|scope| {
        for worker in 1..=3 {
            let (queue, words) = (&queue, &words);
            scope.spawn(move || {
                for line in queue.iter() {
                    // The guard moves into the work, so a panic drops it, which marks the line
                    // done.
                    let work = AssertUnwindSafe(|| {
                        words.fetch_add(count(&line), Ordering::Relaxed);
                        drop(line);
                    });
                    if catch_unwind(work).is_err() {
                        println!("worker {worker} continues");
                    }
                }
            });
        }
        for number in 0..20 {
            let line = if number == 11 {
                String::new()
            } else {
                "one two three".to_owned()
            };
            queue.put(line).expect("the queue is open");
        }
        queue.join();
        println!(
            "{} words, {} lines unfinished",
            words.load(Ordering::Relaxed),
            queue.unfinished()
        );
        // Without this the workers would wait for more items, and the scope for the workers.
        queue.close();
    });
}

fn count(line: &str) -> usize {
    assert!(!line.is_empty(), "an empty line");
    line.split_whitespace().count()
}
