//! Our queue. Every item is marked done, and `join` says so in the end.

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_queue::Queue;

use crate::race::race;
use crate::{BATCH, Load};

fn queue(capacity: Option<usize>) -> Queue<u64> {
    match capacity.and_then(NonZeroUsize::new) {
        Some(capacity) => Queue::bounded(capacity),
        None => Queue::unbounded(),
    }
}

pub(crate) fn one_by_one(load: Load) -> Duration {
    let queue = queue(load.capacity);
    let producer = queue.producer();
    let producers = vec![producer; load.threads];
    let consumers = vec![queue.clone(); load.threads];
    let time = race(
        load,
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

pub(crate) fn batches(load: Load) -> Duration {
    let queue = queue(load.capacity);
    let producer = queue.producer();
    let producers = vec![producer; load.threads];
    let consumers = vec![queue.clone(); load.threads];
    let time = race(
        load,
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
