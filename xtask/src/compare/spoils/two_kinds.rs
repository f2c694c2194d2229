//! Cells whose samples are of two kinds, by an unusually wide gap in the middle of them.
//!
//! Each gap between neighbouring samples is weighted by the numbers of samples on its two sides,
//! since gaps are wider towards the ends, and compared with the mean of the middle half of all
//! weighted gaps. See Wainer and Schacht, "Gapping", Psychometrika 43, 1978. How large that becomes
//! where there is one peak is found by drawing uniform samples, whose middle is the thinnest.

use workload::value::Rng;
use workload_stats::median;

use crate::compare::warnings::Warning;
use crate::results::Cell;
use crate::stats::counted;

/// With fewer samples, chance makes runts as large as any.
const FEWEST: usize = 12;

/// Peaks closer than this do not change a verdict at the default margin.
const LEAST_RATIO: f64 = 1.05;

/// Either kind has at least this part of the samples: fewer are outliers.
const LEAST_PART: f64 = 0.2;

/// Samples drawn for each cell. A cell is of two kinds if none of them has as wide a gap, so about
/// one of 200 cells with a single, flat peak is called so, and fewer with real ones.
const DRAWS: u32 = 199;

/// The cells among these whose samples are of two kinds.
pub(in crate::compare) fn two_kinds(cells: &[Cell]) -> Option<Warning> {
    let found = cells.iter().filter(|cell| cell.error.is_none());
    let found = found.filter_map(|cell| {
        let times: Vec<f64> = counted(cell).iter().map(|s| s.wall_ns as f64).collect();
        let name = format!("{} on {}", cell.contestant(), cell.workload);
        Some((name, apart(&times)?))
    });
    let cells: Vec<(String, f64)> = found.collect();
    (!cells.is_empty()).then_some(Warning::TwoKinds { cells })
}

/// The ratio of the medians of the two kinds, if there are two.
fn apart(times: &[f64]) -> Option<f64> {
    let mut logs: Vec<f64> = times.iter().map(|time| time.ln()).collect();
    logs.retain(|log| log.is_finite());
    if logs.len() < FEWEST {
        return None;
    }
    let (width, at) = widest_gap(&mut logs)?;
    let mut rng = Rng::new(logs.len() as u64);
    for _ in 0..DRAWS {
        let mut uniform: Vec<f64> = logs.iter().map(|_| rng.unit()).collect();
        if widest_gap(&mut uniform).is_some_and(|(drawn, _)| drawn >= width) {
            return None;
        }
    }
    let (short, long) = logs.split_at(at);
    let ratio = (median(long)? - median(short)?).exp();
    (ratio >= LEAST_RATIO).then_some(ratio)
}

/// Sorts the values, and finds the widest gap with enough of them on either side: its weighted
/// width in terms of the usual one, and the place of the first value above it.
fn widest_gap(values: &mut [f64]) -> Option<(f64, usize)> {
    values.sort_by(f64::total_cmp);
    let count = values.len();
    let gaps = values.windows(2).zip(1..).map(|(pair, at)| {
        let sides = at as f64 * (count - at) as f64;
        ((sides * (pair[1] - pair[0])).sqrt(), at)
    });
    let gaps: Vec<(f64, usize)> = gaps.collect();
    let mut widths: Vec<f64> = gaps.iter().map(|(width, _)| *width).collect();
    widths.sort_by(f64::total_cmp);
    let middle = &widths[widths.len() / 4..widths.len() - widths.len() / 4];
    let usual = middle.iter().sum::<f64>() / middle.len() as f64;
    let least = (LEAST_PART * count as f64).ceil() as usize;
    let inner = gaps
        .into_iter()
        .filter(|(_, at)| (least..=count - least).contains(at));
    let (width, at) = inner.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let relative = width / usual;
    // Without any usual gap, all samples of each kind are equal.
    (!relative.is_nan()).then_some((relative, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widest_gap_agrees_with_a_count_by_hand() {
        // Weighted by 1·4, 2·3, 3·2 and 4·1, the gaps 1, 1, 6 and 1 are 2, √6, 6 and 2: the mean of
        // the middle two is (2 + √6) / 2.
        let mut values = [2.0, 0.0, 8.0, 1.0, 9.0];
        let (width, at) = widest_gap(&mut values).unwrap();
        assert_eq!(at, 3);
        assert!(
            (width - 12.0 / (2.0 + 6.0_f64.sqrt())).abs() < 1e-12,
            "{width}"
        );
        // The gap below 100 has too few on one side.
        let mut outlier = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 9.0, 10.0, 100.0];
        assert_eq!(widest_gap(&mut outlier).unwrap().1, 6);
    }

    fn normal(rng: &mut Rng) -> f64 {
        (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
    }

    #[test]
    fn two_peaks_are_found_and_one_with_outliers_is_not() {
        let mut rng = Rng::new(3);
        let mut found = 0;
        let mut wrong = 0;
        for _ in 0..100 {
            let two = (0..24).map(|n| {
                let peak = if n % 3 == 0 { 1.4 } else { 1.0 };
                1e6 * peak * (0.02 * normal(&mut rng)).exp()
            });
            let ratio = apart(&two.collect::<Vec<f64>>());
            found += u32::from(ratio.is_some_and(|ratio| (ratio - 1.4).abs() < 0.1));
            let one = (0..36).map(|n| {
                let outlier = if n % 12 == 5 { 2.0 } else { 1.0 };
                1e6 * outlier * (0.05 * normal(&mut rng)).exp()
            });
            wrong += u32::from(apart(&one.collect::<Vec<f64>>()).is_some());
        }
        assert!(found >= 90, "{found}");
        assert!(wrong <= 3, "{wrong}");
    }

    #[test]
    fn flat_peaks_are_called_two_one_time_in_two_hundred() {
        let mut rng = Rng::new(4);
        let draw = |rng: &mut Rng| -> Vec<f64> { (0..15).map(|_| 1.0 + rng.unit()).collect() };
        let called = (0..400)
            .filter(|_| apart(&draw(&mut rng)).is_some())
            .count();
        assert!(called <= 8, "{called}");
    }

    #[test]
    fn close_peaks_and_few_samples_are_no_warning() {
        let close: Vec<f64> = (0..24)
            .map(|n| if n < 12 { 100.0 } else { 102.0 } + f64::from(n % 12) / 1e3)
            .collect();
        assert_eq!(apart(&close), None);
        assert_eq!(apart(&[1.0, 1.1, 1.2, 9.0, 9.1, 9.2]), None);
        assert_eq!(apart(&[0.0; 20]), None);
        assert_eq!(apart(&[7.0; 20]), None);
    }
}
