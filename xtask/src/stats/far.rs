//! Cells whose first sample is too far off to win.
//!
//! One verified sample shows that a cell is slower if even the luckiest reading of it does. How far
//! a sample may lie above what is typical of its cell is read off the other cells of the same table:
//! taken as exchangeable, a further deviation exceeds all `n` of theirs with probability
//! `1 / (n + 1)` (the one-sided prediction bound of order statistics; David and Nagaraja, *Order
//! Statistics*, third edition, section 7.3).

use super::median::median;

/// The fewest deviations that make the bound err in at most one of twenty cases.
const FEWEST: usize = 19;

/// No table is taken to be steadier than this.
const LEAST: f64 = 1.1;

/// With fewer deviations than three times [`FEWEST`], the rare large one may not have been seen.
const LEAST_OF_FEW: f64 = 1.25;

/// The largest factor by which a sample exceeded the typical one of its cell; `None` if too few
/// were seen. `cells` are the times of each cell.
pub(super) fn largest_deviation(cells: &[Vec<f64>]) -> Option<f64> {
    let deviations: Vec<f64> = cells
        .iter()
        .filter(|times| times.len() > 2)
        .filter_map(|times| Some((times, median(times)?)))
        .flat_map(|(times, typical)| times.iter().map(move |time| time / typical))
        .filter(|deviation| deviation.is_finite())
        .collect();
    if deviations.len() < FEWEST {
        return None;
    }
    let least = if deviations.len() < 3 * FEWEST {
        LEAST_OF_FEW
    } else {
        LEAST
    };
    Some(deviations.into_iter().fold(least, f64::max))
}

/// The least ratio to the best that one sample shows: its time, were it as far above what is typical
/// as any in this table, by the upper bound of the best one's.
pub(super) fn least_ratio(first_ns: f64, deviation: f64, best_high_ns: f64) -> Option<f64> {
    let ratio = first_ns / deviation / best_high_ns;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_deviation_of_the_table_is_the_allowance() {
        let steady = vec![100.0; 10];
        let mut burst = steady.clone();
        burst[3] = 170.0;
        assert_eq!(largest_deviation(&[steady.clone(), burst]), Some(1.7));
        assert_eq!(
            largest_deviation(&vec![steady.clone(); 6]),
            Some(LEAST),
            "never steadier than the least"
        );
        assert_eq!(largest_deviation(&[steady.clone(), steady]), Some(1.25));
    }

    #[test]
    fn few_samples_allow_nothing() {
        assert_eq!(largest_deviation(&[vec![1.0; 18]]), None);
        assert_eq!(largest_deviation(&vec![vec![1.0, 1.0]; 40]), None);
        assert_eq!(largest_deviation(&[]), None);
    }

    #[test]
    fn the_bound_is_reached_by_one_sample_in_twenty_at_most() {
        let mut draw = super::super::median::exponential(3);
        let mut sample = || (0.1 * draw()).exp();
        let typical = (0.1 * std::f64::consts::LN_2).exp();
        let trials = 2_000;
        let wrong = (0..trials)
            .filter(|_| {
                let cells: Vec<Vec<f64>> =
                    (0..3).map(|_| (0..7).map(|_| sample()).collect()).collect();
                let deviation = largest_deviation(&cells).unwrap();
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
