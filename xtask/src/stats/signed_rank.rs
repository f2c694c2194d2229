//! The Hodges–Lehmann estimate of a centre, with the exact bounds of the signed-rank test.
//!
//! The estimate is the median of all pairwise means (Walsh averages, each value paired with itself
//! too). Inverting the signed-rank test gives bounds that are two of these means. For symmetric
//! values, such as paired log-ratios of equal noise, they hold exactly at any number of values, and
//! are about a third narrower at six to eight values than bounds made of the values themselves.
//!
//! Sources: Hodges and Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical
//! Statistics 34, 1963; Hollander, Wolfe and Chicken, *Nonparametric Statistical Methods*, third
//! edition, sections 3.1 to 3.3.

use workload_stats::{Interval, median_interval_at, middle};

/// With more values than this the bounds are two of the values: there are half a million means of a
/// thousand values, and the exact distribution takes the cube of their number.
const MOST_VALUES: usize = 400;

/// The centre of the finite values with its interval at this confidence. `None` without a finite
/// value; no bounds where there are too few values for that confidence. Of very many values it is
/// the median, which needs no pairs.
pub(super) fn centre(values: &[f64], confidence: f64) -> Option<Interval> {
    let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    if finite.len() > MOST_VALUES {
        return median_interval_at(&finite, confidence);
    }
    let means = walsh_averages(&finite);
    let rank = rank(finite.len(), confidence);
    Some(Interval {
        median: middle(&means)?,
        low: rank.map(|rank| means[rank - 1]),
        high: rank.map(|rank| means[means.len() - rank]),
    })
}

/// The fewest values that have bounds at this confidence.
pub fn fewest(confidence: f64) -> usize {
    (1..64)
        .find(|n| rank(*n, confidence).is_some())
        .unwrap_or(64)
}

/// The rank, from 1, of the mean that is the lower bound. The upper bound has the same rank from
/// above.
///
/// The number of means at or below the centre is distributed as the signed-rank statistic `T`, so
/// the means of rank `k` from below and above miss the centre with probability `2 P(T <= k - 1)`.
fn rank(n: usize, confidence: f64) -> Option<usize> {
    let error = 1.0 - confidence;
    let mut below = 0.0;
    let mut best = None;
    for (statistic, probability) in distribution(n).into_iter().enumerate() {
        below += probability;
        // The probabilities are sums of powers of one half, so only `error` is rounded.
        if 2.0 * below > error * (1.0 + 1e-9) {
            break;
        }
        best = Some(statistic + 1);
    }
    best
}

/// The exact distribution of the signed-rank statistic of `n` values: each rank is added with
/// probability one half.
fn distribution(n: usize) -> Vec<f64> {
    let largest = n * (n + 1) / 2;
    let mut probability = vec![0.0; largest + 1];
    probability[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..=largest).rev() {
            let with = if sum >= rank {
                probability[sum - rank]
            } else {
                0.0
            };
            probability[sum] = (probability[sum] + with) / 2.0;
        }
    }
    probability
}

fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let mut means: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(i, a)| values[i..].iter().map(move |b| a / 2.0 + b / 2.0))
        .collect();
    means.sort_by(f64::total_cmp);
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the published tables of the signed-rank statistic (two-sided, at most 5 % and 1 %), for
    /// example table A.4 of Hollander, Wolfe and Chicken: the largest critical value plus one.
    #[test]
    fn ranks_agree_with_the_published_tables() {
        let critical = |n, confidence| rank(n, confidence).map(|rank| rank - 1);
        for (n, expected) in [
            (5, None),
            (6, Some(0)),
            (7, Some(2)),
            (8, Some(3)),
            (9, Some(5)),
            (10, Some(8)),
            (12, Some(13)),
            (15, Some(25)),
            (20, Some(52)),
            (25, Some(89)),
            (30, Some(137)),
        ] {
            assert_eq!(critical(n, 0.95), expected, "n = {n} at 95 %");
        }
        for (n, expected) in [
            (7, None),
            (8, Some(0)),
            (9, Some(1)),
            (10, Some(3)),
            (15, Some(15)),
            (20, Some(37)),
            (30, Some(109)),
        ] {
            assert_eq!(critical(n, 0.99), expected, "n = {n} at 99 %");
        }
    }

    #[test]
    fn distribution_agrees_with_a_count_by_hand() {
        // Subsets of {1, 2, 3} by their sum: 0, 1, 2, 3 twice, 4, 5, 6.
        let eighths: Vec<f64> = distribution(3).iter().map(|p| p * 8.0).collect();
        assert_eq!(eighths, [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0]);
        assert_eq!(distribution(0), [1.0]);
        let sum: f64 = distribution(60).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn six_values_err_three_percent_and_five_cannot() {
        // 2 / 64 = 0.03125.
        assert_eq!(fewest(0.95), 6);
        assert_eq!(fewest(0.968_75), 6);
        assert_eq!(fewest(0.97), 7);
        assert_eq!(fewest(0.984), 7);
        assert_eq!(fewest(0.99), 8);
    }

    #[test]
    fn estimate_and_bounds_agree_with_a_count_by_hand() {
        // The 21 means of 1, 2, 4, 7, 11 and 16 in order: 1, 1.5, 2, 2.5, 3, 4, 4, 4.5, 5.5, 6,
        // 6.5, 7, 7.5, 8.5, 9, 9, 10, 11, 11.5, 13.5, 16.
        let values = [16.0, 1.0, 2.0, 11.0, 4.0, 7.0];
        let estimate = centre(&values, 0.95).unwrap();
        assert_eq!(estimate.median, 6.5);
        assert_eq!((estimate.low, estimate.high), (Some(1.0), Some(16.0)));
        // One in 16: the next mean from either side.
        let estimate = centre(&values, 0.9).unwrap();
        assert_eq!((estimate.low, estimate.high), (Some(2.0), Some(11.5)));
    }

    #[test]
    fn very_many_values_have_the_bounds_of_their_median() {
        let values: Vec<f64> = (1..=100_000).map(f64::from).collect();
        let many = centre(&values, 0.95).unwrap();
        // The normal approximation of the binomial ranks: 50,000 less 1.96 times half the root.
        assert_eq!(many.median, 50_000.5);
        let (low, high) = (many.low.unwrap(), many.high.unwrap());
        assert!((low - 49_690.0).abs() <= 1.0, "{low}");
        assert_eq!(low + high, 100_001.0);
        let few = centre(&values[..MOST_VALUES], 0.95).unwrap();
        let more = centre(&values[..MOST_VALUES + 1], 0.95).unwrap();
        assert_eq!((few.median, more.median), (200.5, 201.0));
        let width = |it: Interval| it.high.unwrap() - it.low.unwrap();
        let ratio = width(more) / width(few);
        assert!((1.0..2.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn values_that_are_no_numbers_do_not_count() {
        let estimate = centre(&[f64::NAN, 3.0, f64::INFINITY], 0.95).unwrap();
        assert_eq!((estimate.median, estimate.low), (3.0, None));
        assert_eq!(centre(&[f64::NAN], 0.95), None);
        assert_eq!(centre(&[], 0.95), None);
    }

    #[test]
    fn the_interval_covers_the_centre_as_often_as_it_promises() {
        let mut draw = crate::stats::simulation::exponential(0x9e37_79b9_7f4a_7c15);
        for (n, exact) in [(6, 1.0 - 2.0 / 64.0), (12, 0.9576)] {
            let trials = 10_000;
            let covered = (0..trials)
                .filter(|_| {
                    // The difference of two exponential draws is symmetric around 0.
                    let values: Vec<f64> = (0..n).map(|_| draw() - draw()).collect();
                    let interval = centre(&values, 0.95).unwrap();
                    interval.low.unwrap() <= 0.0 && 0.0 <= interval.high.unwrap()
                })
                .count();
            let coverage = covered as f64 / f64::from(trials);
            assert!((coverage - exact).abs() < 0.01, "n = {n}: {coverage}");
        }
    }
}
