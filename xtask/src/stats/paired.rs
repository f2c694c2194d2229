//! Ratios within a round, so that drift of the machine cancels out.

use std::collections::BTreeMap;

use super::median::{median, median_interval};
use crate::results::Interval;

/// The median over the rounds of `a ÷ b`, with its interval; `None` when they share no round.
///
/// Both are lists of round and time. A round that only one of them has is left out, and so is one
/// whose ratio is not a number above 0. Several times in one round count as their median.
pub fn paired_ratio(a: &[(u32, f64)], b: &[(u32, f64)]) -> Option<Interval> {
    let (a, b) = (by_round(a), by_round(b));
    let ratios: Vec<f64> = a
        .iter()
        .filter_map(|(round, time)| Some(time / b.get(round)?))
        .filter(|ratio| ratio.is_finite() && *ratio > 0.0)
        .collect();
    median_interval(&ratios)
}

fn by_round(times: &[(u32, f64)]) -> BTreeMap<u32, f64> {
    let mut rounds: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for &(round, time) in times {
        rounds.entry(round).or_default().push(time);
    }
    rounds
        .into_iter()
        .filter_map(|(round, times)| Some((round, median(&times)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_rounds() {
        // Ratios 2, 4, 3 by round; the ratio of the medians would be 40 / 10 = 4.
        let a = [(0, 20.0), (1, 40.0), (2, 300.0)];
        let b = [(2, 100.0), (1, 10.0), (0, 10.0)];
        assert_eq!(
            paired_ratio(&a, &b),
            Some(Interval {
                median: 3.0,
                low: None,
                high: None
            })
        );
    }

    #[test]
    fn drift_that_hits_both_alike_leaves_no_spread() {
        let a: Vec<(u32, f64)> = (0..9).map(|r| (r, 3.0 * f64::from(r + 1))).collect();
        let b: Vec<(u32, f64)> = (0..9).map(|r| (r, 2.0 * f64::from(r + 1))).collect();
        let ratio = paired_ratio(&a, &b).unwrap();
        assert_eq!(
            (ratio.median, ratio.low, ratio.high),
            (1.5, Some(1.5), Some(1.5))
        );
    }

    #[test]
    fn rounds_without_a_partner_do_not_count() {
        let a = [(0, 1.0), (1, 8.0), (5, 9.0)];
        let b = [(1, 4.0), (2, 1.0)];
        assert_eq!(paired_ratio(&a, &b).unwrap().median, 2.0);
        assert_eq!(paired_ratio(&a, &[(9, 1.0)]), None);
        assert_eq!(paired_ratio(&[], &[]), None);
    }

    #[test]
    fn zero_times_and_no_numbers_do_not_count() {
        let a = [(0, 1.0), (1, 0.0), (2, f64::NAN), (3, 6.0)];
        let b = [(0, 0.0), (1, 0.0), (2, 1.0), (3, 2.0)];
        assert_eq!(paired_ratio(&a, &b).unwrap().median, 3.0);
    }

    #[test]
    fn several_times_in_a_round_count_as_their_median() {
        assert_eq!(
            paired_ratio(&[(0, 1.0), (0, 3.0)], &[(0, 1.0)])
                .unwrap()
                .median,
            2.0
        );
    }
}
