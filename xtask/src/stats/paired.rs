//! Ratios within a round, so that drift of the machine cancels out.

use std::collections::BTreeMap;

use workload_stats::{Interval, median};

use super::lives::{self, OfLife};
use super::signed_rank::centre;
use crate::results::JudgedBy;

/// A time, the round it was taken in, and the life of the process that took it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// The start of the runner, from 0.
    pub life: u32,
    /// The round, counted through all lives.
    pub round: u32,
    /// The time, in nanoseconds.
    pub ns: f64,
}

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The estimate and its bounds.
    pub interval: Interval,
    /// Whether the bounds come from rounds or from lives.
    pub by: JudgedBy,
    /// The number of rounds, or lives, that they come from.
    pub values: usize,
}

/// The ratio `a ÷ b` over the rounds that both have, with bounds at this confidence; `None` where
/// they share no round.
///
/// The estimate is the exponential of the Hodges–Lehmann centre of the log-ratios. Where log-ratios
/// differ more between lives than within them, the bounds come from the medians of the lives, and
/// few lives have no bounds. A round whose ratio is not a number above 0 is left out; several times
/// in one round count as their median.
pub fn paired_ratio(a: &[Timed], b: &[Timed], confidence: f64) -> Option<Ratio> {
    let (a, b) = (by_round(a), by_round(b));
    let logs: Vec<OfLife> = a
        .iter()
        .filter_map(|(round, (life, time))| Some((*life, time / b.get(round)?.1)))
        .filter(|(_, ratio)| ratio.is_finite() && *ratio > 0.0)
        .map(|(life, ratio)| (life, ratio.ln()))
        .collect();
    let (by, values) = if lives::differ(&logs) {
        (JudgedBy::Lives, lives::medians(&logs))
    } else {
        let all = logs.iter().map(|(_, log)| *log).collect();
        (JudgedBy::Rounds, all)
    };
    let centre = centre(&values, confidence)?;
    Some(Ratio {
        interval: Interval {
            median: centre.median.exp(),
            low: centre.low.map(f64::exp),
            high: centre.high.map(f64::exp),
        },
        by,
        values: values.len(),
    })
}

fn by_round(times: &[Timed]) -> BTreeMap<u32, (u32, f64)> {
    let mut rounds: BTreeMap<u32, (u32, Vec<f64>)> = BTreeMap::new();
    for time in times {
        let (_, all) = rounds
            .entry(time.round)
            .or_insert_with(|| (time.life, Vec::new()));
        all.push(time.ns);
    }
    rounds
        .into_iter()
        .filter_map(|(round, (life, times))| Some((round, (life, median(&times)?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(times: &[(u32, f64)]) -> Vec<Timed> {
        let of = |&(round, ns): &(u32, f64)| Timed { life: 0, round, ns };
        times.iter().map(of).collect()
    }

    fn ratio(a: &[(u32, f64)], b: &[(u32, f64)]) -> Option<Interval> {
        paired_ratio(&timed(a), &timed(b), 0.95).map(|ratio| ratio.interval)
    }

    fn near(interval: Option<Interval>, expected: f64) {
        let median = interval.expect("an interval").median;
        assert!((median / expected - 1.0).abs() < 1e-12, "{median}");
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // Ratios 2, 4 and 8 by round; the ratio of the medians would be 40 / 10 = 4 as well as that
        // of the middle round, but with 16 for 8 the pairwise means move and the median does not.
        let b = [(2, 100.0), (1, 10.0), (0, 10.0)];
        near(ratio(&[(0, 20.0), (1, 40.0), (2, 800.0)], &b), 4.0);
        near(
            ratio(&[(0, 20.0), (1, 40.0), (2, 1600.0)], &b),
            2.0_f64.powf(2.25),
        );
    }

    #[test]
    fn drift_that_hits_both_alike_leaves_no_spread() {
        let a: Vec<(u32, f64)> = (0..9).map(|r| (r, 3.0 * f64::from(r + 1))).collect();
        let b: Vec<(u32, f64)> = (0..9).map(|r| (r, 2.0 * f64::from(r + 1))).collect();
        let ratio = ratio(&a, &b).unwrap();
        for value in [ratio.median, ratio.low.unwrap(), ratio.high.unwrap()] {
            assert!((value - 1.5).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn rounds_without_a_partner_do_not_count() {
        let a = [(0, 1.0), (1, 8.0), (5, 9.0)];
        near(ratio(&a, &[(1, 4.0), (2, 1.0)]), 2.0);
        assert_eq!(ratio(&a, &[(9, 1.0)]), None);
        assert_eq!(ratio(&[], &[]), None);
    }

    #[test]
    fn zero_times_and_no_numbers_do_not_count() {
        let a = [(0, 1.0), (1, 0.0), (2, f64::NAN), (3, 6.0)];
        let b = [(0, 0.0), (1, 0.0), (2, 1.0), (3, 2.0)];
        near(ratio(&a, &b), 3.0);
    }

    #[test]
    fn several_times_in_a_round_count_as_their_median() {
        near(ratio(&[(0, 1.0), (0, 3.0)], &[(0, 1.0)]), 2.0);
    }

    #[test]
    fn lives_that_differ_are_the_values_that_count() {
        // Each life has its own ratio, 1.00 to 1.08, and next to no noise within.
        let of = |lives: u32, wobble: f64| -> Vec<Timed> {
            (0..lives * 3)
                .map(|round| {
                    let life = round / 3;
                    let luck = 1.0 + wobble * f64::from(life % 5);
                    let ns = 100.0 * luck + 0.01 * f64::from(round % 3);
                    Timed { life, round, ns }
                })
                .collect()
        };
        let judged = |lives| paired_ratio(&of(lives, 0.02), &of(lives, 0.0), 0.984).unwrap();
        assert_eq!((judged(7).by, judged(7).values), (JudgedBy::Lives, 7));
        let low = judged(7).interval.low.unwrap();
        assert!(low < 1.01, "the whole range of the lives: {low}");
        assert_eq!(
            judged(4).interval.low,
            None,
            "four lives cannot bear the error"
        );
        let alike = paired_ratio(&of(4, 0.0), &of(4, 0.0), 0.984).unwrap();
        assert_eq!((alike.by, alike.values), (JudgedBy::Rounds, 12));
    }
}
