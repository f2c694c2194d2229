//! The benches of `locks` against its rivals live in `benches/`: `cargo bench -p locks-rivals`.
//!
//! Here is what they share: threads that work at the same time, and keys of which some are far more frequent.
#![forbid(unsafe_code)]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `work` on so many threads at once, each with its number, and says how long it took from the first that began to
/// the last that ended. The threads are there before the clock starts.
///
/// # Panics
/// When `work` does.
pub fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let all_there = Barrier::new(threads);
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let (all_there, work) = (&all_there, &work);
                scope.spawn(move || {
                    all_there.wait();
                    let begun = Instant::now();
                    work(thread);
                    (begun, Instant::now())
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("the work does not panic"))
            .collect()
    });
    let begun = spans.iter().map(|&(begun, _)| begun).min();
    let ended = spans.iter().map(|&(_, ended)| ended).max();
    begun
        .zip(ended)
        .map_or(Duration::ZERO, |(begun, ended)| ended - begun)
}

/// Keys below `distinct`, the one of rank `r` with a probability in proportion to `1 / r`: Zipf's law, which word counts,
/// page views and the like follow. The same for the same seed.
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
