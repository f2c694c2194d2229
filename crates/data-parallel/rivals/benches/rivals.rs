//! Benches of `data-parallel` against plain rayon and a loop, in one run.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use effective_data_parallel::{DataParallel, Progress};
use rayon::prelude::*;
use workload_rivals::{Contest, Settings, timed};

const ITEMS: usize = 100_000;
const GRAIN: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// Calls in a sample: with one, the clock and waking the workers would be most of it.
const CALLS: u64 = 10;

/// A few nanoseconds of work.
fn cheap(n: &u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) ^ n
}

fn fallible(n: &u64) -> Result<u64, String> {
    if *n == u64::MAX {
        Err("never".to_owned())
    } else {
        Ok(cheap(n))
    }
}

fn repeated<T>(work: impl Fn() -> T) -> std::time::Duration {
    timed(|| (0..CALLS).for_each(|_| drop(black_box(work()))))
}

fn main() {
    let settings = Settings::from_args();
    let inputs: Vec<u64> = (0..ITEMS as u64).collect();
    let inputs = &inputs[..];
    let ours = DataParallel::new();
    let progress = Progress::new();
    let counted = ours.clone().progress(&progress);
    let items = ITEMS as u64 * CALLS;

    Contest::new("map of 100,000 cheap items", "item", items)
        .ours("map", || repeated(|| ours.map(inputs, cheap)))
        .ours("map, with progress", || {
            repeated(|| counted.map(inputs, cheap))
        })
        .rival("rayon, a panic ends the call", || {
            repeated(|| inputs.par_iter().map(cheap).collect::<Vec<_>>())
        })
        .rival("rayon, a catch around each item", || {
            repeated(|| {
                let caught = inputs
                    .par_iter()
                    .map(|n| catch_unwind(AssertUnwindSafe(|| cheap(n))));
                caught.collect::<Vec<_>>()
            })
        })
        .limit("a loop", || {
            repeated(|| inputs.iter().map(cheap).collect::<Vec<_>>())
        })
        .run(&settings);

    Contest::new("try_map of 100,000 cheap items", "item", items)
        .ours("try_map", || repeated(|| ours.try_map(inputs, fallible)))
        .rival("rayon, collect to a result", || {
            repeated(|| {
                inputs
                    .par_iter()
                    .map(fallible)
                    .collect::<Result<Vec<_>, _>>()
            })
        })
        .limit("a loop", || {
            repeated(|| inputs.iter().map(fallible).collect::<Result<Vec<_>, _>>())
        })
        .run(&settings);

    Contest::new("fold of 100,000 cheap items", "item", items)
        .ours("fold", || {
            repeated(|| ours.fold(inputs, || 0, |sum, n| sum ^ cheap(n), |a, b| a ^ b))
        })
        .rival("rayon, fold and reduce", || {
            repeated(|| {
                let folded = inputs.par_iter().fold(|| 0, |sum, n| sum ^ cheap(n));
                folded.reduce(|| 0, |a, b| a ^ b)
            })
        })
        .limit("a loop", || {
            repeated(|| inputs.iter().fold(0, |sum, n| sum ^ cheap(n)))
        })
        .run(&settings);

    let chunked = ours.clone().grain(GRAIN);
    Contest::new("stream of 100,000 cheap items", "item", ITEMS as u64)
        .ours("stream, grain of 256", || {
            timed(|| chunked.stream(0..ITEMS as u64, |n| cheap(&n)).count())
        })
        .ours("stream, one by one", || {
            timed(|| ours.stream(0..ITEMS as u64, |n| cheap(&n)).count())
        })
        .rival("rayon, par_bridge, unordered and unbounded", || {
            timed(|| {
                (0..ITEMS as u64)
                    .par_bridge()
                    .map(|n| cheap(&n))
                    .collect::<Vec<_>>()
            })
        })
        .limit("a loop", || {
            timed(|| (0..ITEMS as u64).for_each(|n| _ = black_box(cheap(&n))))
        })
        .run(&settings);
}
