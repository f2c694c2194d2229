//! The median and its distribution-free confidence interval.

use crate::interval::Interval;

/// The middle of the finite values, or the mean of the two in the middle; `None` without any.
pub fn median(values: &[f64]) -> Option<f64> {
    middle(&sorted(values))
}

/// The median with its 95 % confidence interval, or `None` without a finite value.
///
/// The bounds are two of the values: whatever the distribution, they enclose its median in at least
/// 95 of 100 such sets. With fewer than 6 values there are no such bounds.
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    median_interval_at(values, 0.95)
}

/// [`median_interval`] at another confidence.
pub fn median_interval_at(values: &[f64], confidence: f64) -> Option<Interval> {
    let sorted = sorted(values);
    let median = middle(&sorted)?;
    let bounds = ranks(sorted.len(), confidence);
    Some(Interval {
        median,
        low: bounds.map(|(low, _)| sorted[low - 1]),
        high: bounds.map(|(_, high)| sorted[high - 1]),
    })
}

/// The narrowest symmetric ranks, from 1, whose values enclose the median with this confidence.
///
/// The number of `n` values below the median is binomial with `n` trials of one half. The values of
/// ranks `k` and `n + 1 - k` miss the median when fewer than `k` fall on one of its sides, which
/// has probability `2 P(X <= k - 1)`, so this takes the largest `k` for which it is small enough.
/// See Conover, *Practical Nonparametric Statistics*, third edition, section 3.2, or David and
/// Nagaraja, *Order Statistics*, third edition, section 7.1.
fn ranks(n: usize, confidence: f64) -> Option<(usize, usize)> {
    let trials = n as f64;
    // As logarithms, since 0.5 to the power of 1,075 rounds to 0.
    let mut ln_probability = trials * 0.5_f64.ln();
    let mut below = 0.0;
    let mut best = None;
    for k in 1..=n / 2 {
        below += ln_probability.exp();
        if 1.0 - 2.0 * below < confidence {
            break;
        }
        best = Some((k, n + 1 - k));
        ln_probability += ((trials - k as f64 + 1.0) / k as f64).ln();
    }
    best
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The median of values in ascending order; `None` without values.
pub fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[half]),
        // Halved before they are added, so that two huge values do not become infinite.
        _ => Some(sorted[half - 1] / 2.0 + sorted[half] / 2.0),
    }
}

/// Draws from the exponential distribution with mean 1, whose median is ln 2, by inversion of
/// xorshift64*, so that the draws are the same on every machine.
#[cfg(test)]
pub(crate) fn exponential(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        -(1.0 - bits as f64 / (1_u64 << 53) as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_agree_with_known_answers() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0]), Some(5.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), Some(3.0));
        assert_eq!(median(&[f64::NAN, 5.0, f64::INFINITY]), Some(5.0));
        assert_eq!(median(&[f64::NAN]), None);
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
    }

    /// Tabulated in the literature, and derived here from the binomial sums over 2^n:
    /// n = 6: 2 (1) / 64 = 0.031; n = 10: 2 (1 + 10) / 1024 = 0.021, with 45 more 0.109;
    /// n = 20: 2 (21,700) / 1,048,576 = 0.041, with 38,760 more 0.115;
    /// n = 100: 2 P(X <= 39) = 0.0352, 2 P(X <= 40) = 0.0569.
    #[test]
    fn ranks_agree_with_the_published_tables() {
        for (n, expected) in [
            (0, None),
            (1, None),
            (5, None),
            (6, Some((1, 6))),
            (7, Some((1, 7))),
            (8, Some((1, 8))),
            (9, Some((2, 8))),
            (10, Some((2, 9))),
            (15, Some((4, 12))),
            (20, Some((6, 15))),
            (25, Some((8, 18))),
            (30, Some((10, 21))),
            (31, Some((10, 22))),
            (50, Some((18, 33))),
            (100, Some((40, 61))),
        ] {
            assert_eq!(ranks(n, 0.95), expected, "n = {n}");
        }
    }

    #[test]
    fn ranks_hold_where_powers_of_one_half_vanish() {
        let (low, high) = ranks(10_000, 0.95).unwrap();
        // The normal approximation: 5,000 less 1.96 times a standard deviation of 50.
        assert!((4_900..=4_904).contains(&low), "{low}");
        assert_eq!(low + high, 10_001);
    }

    #[test]
    fn bounds_are_two_of_the_values() {
        let values: Vec<f64> = (1..=10).rev().map(f64::from).collect();
        let interval = median_interval(&values).unwrap();
        assert_eq!(
            (interval.median, interval.low, interval.high),
            (5.5, Some(2.0), Some(9.0))
        );
    }

    #[test]
    fn fewer_than_six_values_have_no_bounds() {
        let interval = median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(
            (interval.median, interval.low, interval.high),
            (3.0, None, None)
        );
    }

    #[test]
    fn interval_covers_median_of_skewed_distribution() {
        let mut draw = exponential(0x9e37_79b9_7f4a_7c15);
        for n in [6, 15, 31] {
            let trials = 10_000;
            let covered = (0..trials)
                .filter(|_| {
                    let values: Vec<f64> = (0..n).map(|_| draw()).collect();
                    let interval = median_interval(&values).unwrap();
                    interval.low.unwrap() <= std::f64::consts::LN_2
                        && std::f64::consts::LN_2 <= interval.high.unwrap()
                })
                .count();
            let coverage = covered as f64 / f64::from(trials);
            assert!(coverage >= 0.95, "n = {n}: {coverage}");
            // Nor are the intervals too wide: the exact values are 0.969, 0.965 and 0.971.
            assert!(coverage <= 0.98, "n = {n}: {coverage}");
        }
    }
}
