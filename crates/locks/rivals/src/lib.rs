//! Benches of `locks` against its rivals, in `benches/`: `cargo bench -p locks-rivals`.
//!
//! This library holds their helpers: threads that start together, and skewed keys.
#![forbid(unsafe_code)]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `work` on `threads` threads at once, with the index of each, and returns the time from the
/// first start to the last end. The clock starts after all threads have.
///
/// # Panics
/// If `work` does.
pub fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let all_started = Barrier::new(threads);
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let (all_started, work) = (&all_started, &work);
                scope.spawn(move || {
                    all_started.wait();
                    let start = Instant::now();
                    work(thread);
                    (start, Instant::now())
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("the work does not panic"))
            .collect()
    });
    let start = spans.iter().map(|&(start, _)| start).min();
    let end = spans.iter().map(|&(_, end)| end).max();
    start
        .zip(end)
        .map_or(Duration::ZERO, |(start, end)| end - start)
}

/// Reproducible keys below `distinct`, the one of rank `r` with a probability proportional to
/// `1 / r`: Zipf's law, which word counts, page views and the like follow.
pub fn zipf_keys(count: usize, distinct: u64, seed: u64) -> Vec<u64> {
    let mut weights: Vec<f64> = (1..=distinct).map(|rank| 1.0 / rank as f64).collect();
    let mut total = 0.0;
    for weight in &mut weights {
        total += *weight;
        *weight = total;
    }
    let mut state = seed;
    (0..count)
        .map(|_| {
            let point = (next(&mut state) >> 11) as f64 / (1_u64 << 53) as f64 * total;
            weights.partition_point(|&sum| sum < point) as u64
        })
        .collect()
}

/// SplitMix64: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_reproducible_in_range_and_skewed() {
        let keys = zipf_keys(10_000, 100, 3);
        assert_eq!(keys, zipf_keys(10_000, 100, 3));
        assert!(keys.iter().all(|&key| key < 100));
        // 1 / (1 + 1/2 + … + 1/100) is 19 %.
        let first = keys.iter().filter(|&&key| key == 0).count();
        assert!((1_700..2_100).contains(&first), "{first}");
    }
}
