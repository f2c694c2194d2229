//! The ratio of two independent sets of times, such as those of two runs.

use crate::interval::Interval;
use crate::median::median_interval_at;

/// The ratio of the medians, `a ÷ b`, of two independent sets, with a 95 % confidence interval.
///
/// Each median gets its distribution-free interval at 97.5 %; by Bonferroni's inequality both hold
/// at once in at least 95 of 100 cases, and then the ratio lies between the quotients of their
/// opposite ends. That is wider than a bootstrap of medians or a shift between equal shapes (Hodges
/// and Lehmann), but unlike these it also holds for small sets and for any two shapes. It has no
/// bounds with fewer than 7 values on either side; `None` if the ratio is not a number.
///
/// A change of the machine between two runs is not part of the interval.
pub fn ratio_of_medians(a: &[f64], b: &[f64]) -> Option<Interval> {
    let (a, b) = (median_interval_at(a, 0.975)?, median_interval_at(b, 0.975)?);
    let quotient = |x: f64, y: f64| Some(x / y).filter(|q| q.is_finite() && *q > 0.0);
    let ratio = quotient(a.median, b.median)?;
    let bounds = || Some((quotient(a.low?, b.high?)?, quotient(a.high?, b.low?)?));
    let bounds = bounds();
    Some(Interval {
        median: ratio,
        low: bounds.map(|(low, _)| low),
        high: bounds.map(|(_, high)| high),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::median::exponential;

    #[test]
    fn interval_covers_ratio_of_unlike_distributions() {
        let mut draw = exponential(7);
        let ln_2 = std::f64::consts::LN_2;
        let truth = ln_2 / (1.0 + ln_2 * ln_2);
        let trials = 5_000;
        let covered = (0..trials)
            .filter(|_| {
                let a: Vec<f64> = (0..15).map(|_| draw()).collect();
                let b: Vec<f64> = (0..31).map(|_| 1.0 + draw().powi(2)).collect();
                let ratio = ratio_of_medians(&a, &b).unwrap();
                ratio.low.unwrap() <= truth && truth <= ratio.high.unwrap()
            })
            .count();
        let coverage = covered as f64 / f64::from(trials);
        assert!(coverage >= 0.95, "{coverage}");
    }

    #[test]
    fn bounds_are_quotients_of_opposite_ends() {
        // At 97.5 % and n = 9: 2 (1 + 9) / 512 = 0.039 is too much, so ranks 1 and 9.
        let a: Vec<f64> = (2..=10).map(f64::from).collect();
        let b: Vec<f64> = (1..=9).map(f64::from).collect();
        let ratio = ratio_of_medians(&a, &b).unwrap();
        assert_eq!(ratio.median, 6.0 / 5.0);
        assert_eq!((ratio.low, ratio.high), (Some(2.0 / 9.0), Some(10.0)));
    }

    #[test]
    fn six_values_are_too_few_and_seven_enough() {
        let values = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6];
        assert!(ratio_of_medians(&values, &values).unwrap().low.is_some());
        assert!(
            ratio_of_medians(&values, &values[..6])
                .unwrap()
                .low
                .is_none()
        );
    }

    #[test]
    fn ratio_that_is_not_a_number_is_none() {
        assert_eq!(ratio_of_medians(&[1.0], &[0.0]), None);
        assert_eq!(ratio_of_medians(&[], &[1.0]), None);
        assert_eq!(ratio_of_medians(&[f64::NAN], &[1.0]), None);
    }
}
