//! Our queue. Every item is marked done, which the final `join` checks.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Duration;

use effective_queue::{Producer, Queue};

use crate::race::race;
use crate::{BATCH, Work};

/// Races clones of a producer and of a queue, and joins the queue.
fn race_queue(
    work: Work,
    produce: impl Fn(Producer<u64>, Range<u64>) + Sync,
    consume: impl Fn(Queue<u64>) -> u64 + Sync,
) -> Duration {
    let queue = match work.capacity.and_then(NonZeroUsize::new) {
        Some(capacity) => Queue::bounded(capacity),
        None => Queue::unbounded(),
    };
    let producers = vec![queue.producer(); work.threads];
    let consumers = vec![queue.clone(); work.threads];
    let time = race(work, producers, consumers, produce, consume);
    queue.join();
    time
}

pub(crate) fn one_by_one(work: Work) -> Duration {
    race_queue(
        work,
        |queue, numbers| {
            for number in numbers {
                queue.put(number).expect("open");
            }
        },
        |queue| queue.iter().map(|item| *item).sum(),
    )
}

pub(crate) fn batches(work: Work) -> Duration {
    race_queue(
        work,
        |queue, mut numbers| {
            while !numbers.is_empty() {
                queue
                    .put_all(numbers.by_ref().take(BATCH.get()))
                    .expect("open");
            }
        },
        |queue| {
            let mut sum = 0;
            while let Ok(batch) = queue.get_batch(BATCH) {
                sum += batch.iter().sum::<u64>();
            }
            sum
        },
    )
}
