//! The regret of a version: its time divided by the best one's, of the same rounds.

use workload_stats::{Interval, median, median_interval};

use crate::by_hand::Version;
use crate::measure::Times;

/// The version with the smallest median, of those measured in all rounds.
pub fn best(times: &Times) -> Option<Version> {
    best_of(times, |_| true)
}

/// The version with the smallest median in the rounds that count. A version that left early is
/// none: its rounds are not those of the others.
fn best_of(times: &Times, counts: impl Fn(usize) -> bool) -> Option<Version> {
    let rounds = times.values().map(Vec::len).max()?;
    let complete = times.iter().filter(|(_, times)| times.len() == rounds);
    let medians = complete.filter_map(|(version, times)| {
        let times = times.iter().enumerate();
        let counted: Vec<f64> = times
            .filter_map(|(round, time)| counts(round).then_some(*time))
            .collect();
        Some((*version, median(&counted)?))
    });
    medians
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(version, _)| version)
}

/// The median of the paired ratios to the best version, with its interval.
///
/// The least of many noisy medians is too small, so a version that is as good as the best one would
/// look worse. The best version of the even rounds is therefore chosen by the odd ones, and that of
/// the odd rounds by the even ones: no round chooses the version that it is compared with. With a
/// single round there is no such choice.
pub fn regret(times: &Times, version: Version) -> Option<Interval> {
    let own = times.get(&version)?;
    let mut ratios = Vec::with_capacity(own.len());
    for parity in 0..2 {
        let chosen = best_of(times, |round| round % 2 != parity).or_else(|| best(times))?;
        let best = times.get(&chosen)?;
        let pairs = own.iter().zip(best).enumerate();
        ratios.extend(
            pairs
                .filter(|(round, _)| round % 2 == parity)
                .map(|(_, (own, best))| own / best),
        );
    }
    median_interval(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Model;

    fn version(workers: usize) -> Version {
        Version {
            model: Model::Queue,
            workers,
        }
    }

    #[test]
    fn regret_is_a_paired_ratio_to_the_smallest_median() {
        let mut times = Times::new();
        times.insert(version(1), (1..=9).map(f64::from).collect());
        times.insert(
            version(2),
            (1..=9).map(|time| f64::from(time) * 1.5).collect(),
        );
        assert_eq!(best(&times), Some(version(1)));
        assert_eq!(regret(&times, version(1)).unwrap().median, 1.0);
        assert_eq!(regret(&times, version(2)).unwrap().median, 1.5);
        assert_eq!(regret(&times, version(3)), None);
        assert_eq!(best(&Times::new()), None);
        let one = Times::from([(version(1), vec![2.0]), (version(2), vec![3.0])]);
        assert_eq!(regret(&one, version(2)).unwrap().median, 1.5);
    }

    /// Forty versions that are equally fast, measured a hundred times.
    #[test]
    fn luck_of_the_best_of_many_is_no_regret() {
        let mut random = 7_u64;
        let mut noise = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            0.9 + 0.2 * (random >> 33) as f64 / (1_u64 << 31) as f64
        };
        let (mut regrets, mut lucky) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            let times: Times = (1..=40)
                .map(|workers| (version(workers), (0..15).map(|_| noise()).collect()))
                .collect();
            regrets.extend(times.keys().filter_map(|one| regret(&times, *one)));
            lucky.extend(best(&times).and_then(|best| median(&times[&best])));
        }
        let regrets: Vec<f64> = regrets.iter().map(|regret| regret.median).collect();
        let typical = median(&regrets).unwrap();
        assert!((typical - 1.0).abs() < 0.01, "{typical}");
        let lucky = median(&lucky).unwrap();
        assert!(lucky < 0.97, "{lucky}");
    }

    #[test]
    fn version_that_left_early_is_not_the_best() {
        let times = Times::from([(version(1), vec![1.0; 5]), (version(2), vec![2.0; 9])]);
        assert_eq!(best(&times), Some(version(2)));
    }
}
