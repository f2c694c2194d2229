//! Producers and consumers that start together.

use std::ops::Range;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Work;

/// Runs the producers, each with its share of the numbers below `work.items`, against as many
/// consumers, each of which returns the sum of its items. Returns the time from the start to the
/// end of the last thread.
///
/// Each thread gets an end of its own, made before the clock starts, and drops it when it is done.
pub(crate) fn race<P: Send, C: Send>(
    work: Work,
    producers: Vec<P>,
    consumers: Vec<C>,
    produce: impl Fn(P, Range<u64>) + Sync,
    consume: impl Fn(C) -> u64 + Sync,
) -> Duration {
    let share = work.items / producers.len() as u64;
    let start = Barrier::new(producers.len() + consumers.len() + 1);
    let (start, produce, consume) = (&start, &produce, &consume);
    thread::scope(|scope| {
        let mut handles = Vec::new();
        for (number, end) in producers.into_iter().enumerate() {
            let first = number as u64 * share;
            handles.push(scope.spawn(move || {
                start.wait();
                produce(end, first..first + share);
                (0, Instant::now())
            }));
        }
        for end in consumers {
            handles.push(scope.spawn(move || {
                start.wait();
                (consume(end), Instant::now())
            }));
        }
        start.wait();
        let begin = Instant::now();
        let mut sum = 0;
        let mut last = begin;
        for handle in handles {
            let (part, end) = handle.join().expect("no thread panics");
            sum += part;
            last = last.max(end);
        }
        assert_eq!(
            sum,
            work.items * (work.items - 1) / 2,
            "every item is taken once"
        );
        last - begin
    })
}
