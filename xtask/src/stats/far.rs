//! Cells whose first sample is too far off to win.
//!
//! One verified sample shows that a cell is slower if even a lucky reading of it does. How far a
//! sample may lie above what is typical of its cell is read off the other cells of the same table:
//! taken as exchangeable, a further deviation exceeds the `k`-th largest of `n` with probability
//! `k / (n + 1)` (the one-sided prediction bound of order statistics; David and Nagaraja, *Order
//! Statistics*, third edition, section 7.3).

use workload_stats::median;

/// With this many deviations, the largest one is exceeded in at most one of twenty cases.
const ENOUGH: usize = 19;

/// With many deviations, one in this many may exceed the bound: a table has many cells that it is
/// used for.
const ONE_IN: usize = 100;

/// With fewer deviations than the bound needs, but at least these, the allowance is the square of
/// the largest one: if logarithms of deviations have exponential tails, a further one exceeds twice
/// the largest of `n` with probability `2 / ((n + 1) (n + 2))`, which is 2.2 % for eight.
const FEW: usize = 8;

/// No table is taken to be steadier than this.
const LEAST: f64 = 1.1;

/// With few deviations, the rare large one may not have been seen.
const LEAST_OF_FEW: f64 = 1.25;

/// The factor by which a sample may exceed the typical one of its cell; `None` if too few were
/// seen. `cells` are the times of each cell, all of them.
pub(super) fn allowance(cells: &[Vec<f64>]) -> Option<f64> {
    let sampled = || cells.iter().filter(|times| times.len() > 2);
    let mut deviations: Vec<f64> = sampled()
        .filter_map(|times| Some((times, median(times)?)))
        .flat_map(|(times, typical)| times.iter().map(move |time| time / typical))
        .filter(|deviation| deviation.is_finite())
        .collect();
    deviations.sort_by(|a, b| b.total_cmp(a));
    // Each median is made of the samples that are held against it.
    let seen = deviations.len().saturating_sub(sampled().count());
    let rank = ((seen + 1) / ONE_IN).max(1);
    match seen {
        0..FEW => None,
        FEW..ENOUGH => Some(deviations[0].powi(2).max(LEAST_OF_FEW)),
        _ => Some(deviations[rank - 1].max(LEAST)),
    }
}

/// The least ratio to the best that one sample shows: its time, were it as far above what is
/// typical as any in this table, by the upper bound of the best one's.
pub(super) fn least_ratio(first_ns: f64, deviation: f64, best_high_ns: f64) -> Option<f64> {
    let ratio = first_ns / deviation / best_high_ns;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_of_the_table_make_the_allowance() {
        let steady = vec![100.0; 10];
        let mut burst = steady.clone();
        burst[3] = 170.0;
        let two = [steady.clone(), burst.clone(), steady.clone()];
        assert_eq!(allowance(&two), Some(1.7));
        let many = vec![steady.clone(); 24];
        let seen = |more: Vec<f64>| allowance(&[many.clone(), vec![more]].concat());
        assert_eq!(seen(burst), Some(1.1), "one of 250 exceeds the bound");
        assert_eq!(allowance(&many), Some(1.1), "never steadier than the least");
    }

    #[test]
    fn few_samples_allow_much_and_fewer_nothing() {
        let mut few = vec![100.0; 12];
        assert_eq!(allowance(&[few.clone()]), Some(1.25));
        few[0] = 150.0;
        assert_eq!(allowance(&[few]), Some(2.25));
        assert_eq!(allowance(&[vec![1.0; 8]]), None);
        assert_eq!(allowance(&vec![vec![1.0, 1.0]; 40]), None);
        assert_eq!(allowance(&[]), None);
    }

    #[test]
    fn the_bound_is_reached_by_one_sample_in_twenty_at_most() {
        let mut draw = crate::stats::simulation::exponential(3);
        let mut sample = || (0.1 * draw()).exp();
        let typical = (0.1 * std::f64::consts::LN_2).exp();
        let trials = 2_000;
        let wrong = (0..trials)
            .filter(|_| {
                let cells: Vec<Vec<f64>> = (0..3)
                    .map(|_| (0..14).map(|_| sample()).collect())
                    .collect();
                let deviation = allowance(&cells).unwrap();
                // A cell that is in truth exactly as fast.
                least_ratio(sample(), deviation, typical).unwrap() > 1.0
            })
            .count();
        let rate = wrong as f64 / f64::from(trials);
        assert!(rate <= 0.05, "{rate}");
    }

    #[test]
    fn a_ratio_that_is_no_number_is_none() {
        assert_eq!(least_ratio(f64::NAN, 1.1, 1.0), None);
        assert_eq!(least_ratio(1.0, 1.1, 0.0), None);
        assert_eq!(least_ratio(500.0, 1.25, 100.0), Some(4.0));
    }
}
