//! The regret of a version: its time divided by the best one's, of the same rounds.

use workload_stats::{Interval, median, median_interval};

use crate::by_hand::Version;
use crate::measure::Times;

/// The version with the smallest median.
pub fn best(times: &Times) -> Option<Version> {
    let medians = times
        .iter()
        .filter_map(|(version, times)| Some((*version, median(times)?)));
    medians
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(version, _)| version)
}

/// The median of the paired ratios to the best version, with its interval.
///
/// The best version is chosen by the same samples, so that its median is a little too small: a
/// version that is in truth as good has a regret of a few percent.
pub fn regret(times: &Times, version: Version) -> Option<Interval> {
    let best = times.get(&best(times)?)?;
    let own = times.get(&version)?;
    let ratios: Vec<f64> = own.iter().zip(best).map(|(own, best)| own / best).collect();
    median_interval(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Model;

    #[test]
    fn regret_is_a_paired_ratio_to_the_smallest_median() {
        let version = |workers| Version {
            model: Model::Queue,
            workers,
        };
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
    }
}
