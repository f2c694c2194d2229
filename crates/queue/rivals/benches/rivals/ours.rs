//! Our queue. Every item is marked done, which the final `join` checks.

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_queue::Queue;

use crate::race::race;
use crate::{BATCH, Work};

fn queue(capacity: Option<usize>) -> Queue<u64> {
    match capacity.and_then(NonZeroUsize::new) {
        Some(capacity) => Queue::bounded(capacity),
        None => Queue::unbounded(),
    }
}

pub(crate) fn one_by_one(work: Work) -> Duration {
    let queue = queue(work.capacity);
    let producer = queue.producer();
    let producers = vec![producer; work.threads];
    let consumers = vec![queue.clone(); work.threads];
    let time = race(
        work,
        producers,
        consumers,
        |queue, numbers| {
            for number in numbers {
                queue.put(number).expect("open");
            }
        },
        |queue| queue.iter().map(|item| *item).sum(),
    );
    queue.join();
    time
}

pub(crate) fn batches(work: Work) -> Duration {
    let queue = queue(work.capacity);
    let producer = queue.producer();
    let producers = vec![producer; work.threads];
    let consumers = vec![queue.clone(); work.threads];
    let time = race(
        work,
        producers,
        consumers,
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
    );
    queue.join();
    time
}
