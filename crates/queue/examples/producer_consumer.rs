//! Three workers share the lines of a report. One of them meets a line that it cannot stomach, and nobody hangs.
//!
//! `cargo run -p effective-queue --example producer_consumer`

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use effective_queue::Queue;

fn main() {
    // Room for four lines: the producer waits for the workers, not the memory for the producer.
    let queue = Queue::<String>::bounded(NonZeroUsize::new(4).expect("not zero"));
    let words = AtomicUsize::new(0);
    thread::scope(|scope| {
        for worker in 1..=3 {
            let (queue, words) = (&queue, &words);
            scope.spawn(move || {
                for line in queue.iter() {
                    // The guard goes into the work, and is dropped in its panic: the line is done all the same.
                    let work = AssertUnwindSafe(|| {
                        words.fetch_add(count(&line), Ordering::Relaxed);
                        drop(line);
                    });
                    if catch_unwind(work).is_err() {
                        println!("worker {worker} goes on");
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
            queue.put(line).expect("nobody has closed it");
        }
        queue.join();
        println!(
            "{} words, {} lines unfinished",
            words.load(Ordering::Relaxed),
            queue.unfinished()
        );
        // Without this the workers would wait for more, and the scope for them.
        queue.close();
    });
}

fn count(line: &str) -> usize {
    assert!(!line.is_empty(), "an empty line");
    line.split_whitespace().count()
}
