//! The ratio of the times of two runs, with the exact bounds of the rank-sum test over lives.
//!
//! Two runs share no rounds, so nothing can be paired. The starts of the runner are what is
//! independent in either: samples of one life share its luck of memory layout. So each life counts
//! once, by the median of its samples, and the shift between the two sets of logarithms is the
//! median of all differences (Hodges–Lehmann), its bounds two of these differences. Without a
//! change, any split of the lives among the two runs is equally likely, so the bounds hold exactly
//! for any distribution; four lives on either side suffice.
//!
//! Sources: Hodges and Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical
//! Statistics 34, 1963; Hollander, Wolfe and Chicken, *Nonparametric Statistical Methods*, third
//! edition, sections 4.1 to 4.3.

use workload_stats::{Interval, middle};

use super::far;
use super::lives::{self, OfLife, counted};
use crate::results::{CONFIDENCE, Cell};

/// Of this many lives, one in sixteen times all lie on one side of what is typical.
const FEWEST_LIVES: usize = 4;

/// No comparison has as many lives: the work grows with the product of the two numbers.
const MOST_LIVES: usize = 100;

/// The ratio of two runs of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoRuns {
    /// Time now divided by time then; without bounds where nothing can be said about them.
    pub ratio: Interval,
    /// The lives of either run that have a time: now, then.
    pub lives: (usize, usize),
    /// Whether either has too few lives for the test, so that the bounds are those of single
    /// samples.
    pub by_samples: bool,
}

/// How far a sample may lie off what is typical of its cell, as a factor, in the table of these
/// cells; `None` where too few samples were taken to tell.
pub fn deviation<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Option<f64> {
    let times = |cell: &Cell| {
        let served = cell.response_ns.is_some();
        let samples = cell.samples.iter();
        samples.map(|sample| sample.judged_ns(served)).collect()
    };
    far::allowance(&cells.into_iter().map(times).collect::<Vec<Vec<f64>>>())
}

/// How long the cell takes now, divided by how long it took then; `None` where either has no time.
/// With each the [`deviation`] of its table.
///
/// A cell far behind the best has one sample, and a cell that falls far behind loses its lives. So
/// where there are too few lives, the bounds lie between the extremes that are known: those of the
/// lives, or of the samples, each twice as far off as a sample may lie in its table. They are wide,
/// but show a change by a factor.
///
/// A change of the machine between the two runs is not part of the interval.
pub fn two_runs(now: (&Cell, Option<f64>), then: (&Cell, Option<f64>)) -> Option<TwoRuns> {
    let ((now, now_deviation), (then, then_deviation)) = (now, then);
    let (now, then) = (logs(now), logs(then));
    let mut shift = shift(&now, &then, CONFIDENCE)?;
    let by_samples = shift.low.is_none();
    if by_samples
        && let Some((now_low, now_high)) = extremes(&now, now_deviation)
        && let Some((then_low, then_high)) = extremes(&then, then_deviation)
    {
        (shift.low, shift.high) = (Some(now_low - then_high), Some(now_high - then_low));
    }
    Some(TwoRuns {
        ratio: Interval {
            median: shift.median.exp(),
            low: shift.low.map(f64::exp),
            high: shift.high.map(f64::exp),
        },
        lives: (now.len(), then.len()),
        by_samples,
    })
}

/// The logarithm of the typical time of each life.
fn logs(cell: &Cell) -> Vec<f64> {
    let served = cell.response_ns.is_some();
    let samples = counted(cell).into_iter();
    let times = samples.map(|sample| (sample.life, sample.judged_ns(served)));
    let times: Vec<OfLife> = times
        .filter(|(_, ns)| ns.is_finite() && *ns > 0.0)
        .collect();
    let mut logs: Vec<f64> = lives::medians(&times).into_iter().map(f64::ln).collect();
    logs.truncate(MOST_LIVES);
    logs
}

/// The lowest and the highest of the lives; few of them may all be off.
fn extremes(logs: &[f64], deviation: Option<f64>) -> Option<(f64, f64)> {
    let low = logs.iter().copied().reduce(f64::min)?;
    let high = logs.iter().copied().reduce(f64::max)?;
    match logs.len() {
        FEWEST_LIVES.. => Some((low, high)),
        // Twice, as a logarithm: a run has a hundred such cells, and one sample in twenty exceeds
        // the deviation alone.
        _ => deviation.map(|it| (low - 2.0 * it.ln(), high + 2.0 * it.ln())),
    }
}

/// How far `a` lies above `b`.
fn shift(a: &[f64], b: &[f64], confidence: f64) -> Option<Interval> {
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| a - b));
    let mut differences: Vec<f64> = pairs.collect();
    differences.sort_by(f64::total_cmp);
    let rank = rank(a.len(), b.len(), confidence);
    Some(Interval {
        median: middle(&differences)?,
        low: rank.map(|rank| differences[rank - 1]),
        high: rank.map(|rank| differences[differences.len() - rank]),
    })
}

/// The rank, from 1, of the difference that is the lower bound. The upper bound has the same rank
/// from above.
///
/// The number of differences below the shift is distributed as the statistic `U` of Mann and
/// Whitney, so those of rank `k` from below and above miss it with probability `2 P(U <= k - 1)`.
fn rank(m: usize, n: usize, confidence: f64) -> Option<usize> {
    let (ways, all) = distribution(m, n);
    let mut below = 0.0;
    let mut best = None;
    for (statistic, ways) in ways.into_iter().enumerate() {
        below += ways / all;
        if 2.0 * below > (1.0 - confidence) * (1.0 + 1e-9) {
            break;
        }
        best = Some(statistic + 1);
    }
    best
}

/// The splits of `m + n` values into `m` and `n` for each value of `U`, and how many there are.
///
/// The generating function is the Gaussian binomial coefficient, the product over `i` from 1 to `m`
/// of `(1 - q^(n + i)) / (1 - q^i)`. A coefficient follows from those of lower powers, so the small
/// ones at the beginning, which are all that is used, are exact.
fn distribution(m: usize, n: usize) -> (Vec<f64>, f64) {
    let mut ways = vec![0.0; m * n + 1];
    ways[0] = 1.0;
    let mut all = 1.0;
    for i in 1..=m {
        for power in (n + i..ways.len()).rev() {
            ways[power] -= ways[power - n - i];
        }
        for power in i..ways.len() {
            ways[power] += ways[power - i];
        }
        all *= (n + i) as f64 / i as f64;
    }
    (ways, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;
    use workload::value::Rng;

    /// From the published tables of the statistic of Mann and Whitney, two-sided at 5 %, for
    /// example table A.6 of Hollander, Wolfe and Chicken: the largest critical value plus one.
    #[test]
    fn ranks_agree_with_the_published_tables() {
        for (m, n, critical) in [
            (3, 4, None),
            (3, 5, Some(0)),
            (4, 4, Some(0)),
            (4, 5, Some(1)),
            (4, 6, Some(2)),
            (5, 5, Some(2)),
            (6, 6, Some(5)),
            (7, 7, Some(8)),
            (8, 8, Some(13)),
            (9, 9, Some(17)),
            (10, 10, Some(23)),
            (12, 12, Some(37)),
            (15, 15, Some(64)),
            (20, 20, Some(127)),
            (0, 5, None),
            (1, 20, None),
        ] {
            let found = rank(m, n, 0.95).map(|rank| rank - 1);
            assert_eq!(found, critical, "{m} and {n}");
            assert_eq!(found, rank(n, m, 0.95).map(|rank| rank - 1), "{n} and {m}");
        }
    }

    #[test]
    fn splits_agree_with_a_count_by_hand() {
        // Of two and two values: 0 1 2 3 4 in 1 1 2 1 1 of 6 ways.
        assert_eq!(distribution(2, 2), (vec![1.0, 1.0, 2.0, 1.0, 1.0], 6.0));
        let (ways, all) = distribution(100, 100);
        assert_eq!(&ways[..6], [1.0, 1.0, 2.0, 3.0, 5.0, 7.0], "partitions");
        assert!(all > 9e58 && all < 9.1e58, "{all}");
    }

    #[test]
    fn the_shift_agrees_with_a_count_by_hand() {
        let found = shift(&[5.0, 6.0, 7.0, 9.0], &[1.0, 2.0, 3.0, 4.0], 0.95).unwrap();
        // Sixteen differences, 1 to 8; the middle two are 4 and 4.
        assert_eq!(
            (found.median, found.low, found.high),
            (4.0, Some(1.0), Some(8.0))
        );
        let few = shift(&[5.0], &[1.0, 2.0, 3.0], 0.95).unwrap();
        assert_eq!((few.median, few.low, few.high), (3.0, None, None));
        assert_eq!(shift(&[], &[1.0], 0.95), None);
    }

    /// A cell of lives of three samples each.
    fn cell(lives: u32, mut ns: impl FnMut(u32) -> f64) -> Cell {
        let samples = (0..lives * 3).map(|round| Sample {
            wall_ns: ns(round / 3) as u64,
            life: round / 3,
            round,
            ..Sample::default()
        });
        Cell {
            samples: samples.collect(),
            ..Cell::default()
        }
    }

    #[test]
    fn a_life_counts_once_however_many_samples_it_has() {
        let now = cell(4, |life| 2e6 + f64::from(life));
        let then = cell(4, |life| 1e6 + f64::from(life));
        let found = two_runs((&now, None), (&then, None)).unwrap();
        assert_eq!((found.lives, found.by_samples), ((4, 4), false));
        assert!((found.ratio.median - 2.0).abs() < 1e-4, "{found:?}");
        let absent = |now: &Cell| two_runs((now, None), (&then, None)).is_none();
        assert!(absent(&Cell::default()) && absent(&cell(4, |_| 0.0)));
        let many = cell(5_000, |life| 1e6 + f64::from(life));
        let found = two_runs((&many, None), (&many, None)).unwrap();
        assert_eq!(found.lives, (100, 100));
    }

    #[test]
    fn few_lives_show_a_change_by_a_factor_only() {
        let then = cell(4, |life| 1e6 * (1.0 + 0.01 * f64::from(life)));
        let of = |now: f64, deviation| {
            let now = cell(1, |_| now);
            two_runs((&now, deviation), (&then, Some(1.2))).unwrap()
        };
        assert_eq!(
            (of(2e6, None).lives, of(2e6, None).ratio.low),
            ((1, 4), None)
        );
        let slow = of(4e6, Some(1.5));
        assert!(slow.by_samples);
        let (low, high) = (slow.ratio.low.unwrap(), slow.ratio.high.unwrap());
        assert!((low - 4.0 / 2.25 / 1.03).abs() < 1e-4, "{slow:?}");
        assert!((high - 4.0 * 2.25).abs() < 1e-4, "{slow:?}");
        assert!(of(2e6, Some(1.5)).ratio.low.unwrap() < 1.0);
        let steady: Vec<Cell> = (0..3)
            .map(|_| cell(4, |life| 1e6 + f64::from(life)))
            .collect();
        assert_eq!(deviation(&steady), Some(1.1));
        assert_eq!(deviation(&steady[..0]), None);
    }

    fn normal(rng: &mut Rng) -> f64 {
        let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * rng.unit()).cos()
    }

    /// A run of that many lives: luck that lasts for a life, noise of a sample, outliers.
    fn run(rng: &mut Rng, lives: u32, truth: f64, luck: f64) -> Cell {
        let lucks: Vec<f64> = (0..lives).map(|_| luck * normal(rng)).collect();
        cell(lives, |life| {
            let outlier = if rng.unit() < 0.05 {
                1.5 + rng.unit()
            } else {
                1.0
            };
            let noise = (lucks[life as usize] + 0.02 * normal(rng)).exp();
            1e6 * truth * noise * outlier
        })
    }

    /// The share of simulated pairs of runs whose lower bound is above `beyond`, and of those whose
    /// interval holds the truth.
    fn rates(lives: (u32, u32), truth: f64, luck: f64, beyond: f64) -> (f64, f64) {
        let (mut rng, trials) = (Rng::new(11), 2_000);
        let (mut above, mut covered) = (0, 0);
        for _ in 0..trials {
            let now = run(&mut rng, lives.0, truth, luck);
            let then = run(&mut rng, lives.1, 1.0, luck);
            let ratio = two_runs((&now, None), (&then, None)).unwrap().ratio;
            let (low, high) = (ratio.low.unwrap(), ratio.high.unwrap());
            above += u32::from(low > beyond);
            covered += u32::from(low <= truth && truth <= high);
        }
        (
            f64::from(above) / f64::from(trials),
            f64::from(covered) / f64::from(trials),
        )
    }

    #[test]
    fn intervals_cover_the_truth_whatever_lives_do() {
        // Three standard errors of this many trials below 95 %.
        let least = 0.95 - 3.0 * (0.95_f64 * 0.05 / 2_000.0).sqrt();
        for lives in [(4, 4), (4, 9), (9, 9)] {
            for luck in [0.0, 0.01, 0.035] {
                let (_, covered) = rates(lives, 1.2, luck, 1.0);
                assert!(covered >= least, "{lives:?} {luck}: {covered}");
            }
        }
    }

    #[test]
    fn equal_runs_rarely_differ_by_more_than_allowed() {
        for (luck, beyond, most) in [
            (0.01, 1.05, 0.0005),
            (0.035, 1.1, 0.002),
            (0.035, 1.05, 0.01),
        ] {
            for lives in [(4, 4), (9, 9)] {
                let (above, _) = rates(lives, 1.0, luck, beyond);
                assert!(above <= most, "{lives:?} {luck} {beyond}: {above}");
            }
        }
    }

    #[test]
    fn a_run_a_fifth_slower_is_seen_beyond_a_tenth() {
        for (lives, luck, least) in [
            ((4, 4), 0.01, 0.8),
            ((9, 9), 0.01, 0.99),
            ((9, 9), 0.035, 0.9),
        ] {
            let (above, _) = rates(lives, 1.2, luck, 1.1);
            assert!(above >= least, "{lives:?} {luck}: {above}");
        }
    }

    #[test]
    #[ignore = "prints the table of docs/in-ci.md"]
    fn rates_over_many_runs() {
        for luck in [0.005, 0.01, 0.02, 0.035] {
            for lives in [4, 9] {
                let alarms = [1.05, 1.1, 1.2].map(|beyond| {
                    let alarm = rates((lives, lives), 1.0, luck, beyond).0;
                    format!("{:.2} %", alarm * 100.0)
                });
                // Ratios only: what is a tenth beyond the limit is found as often at any limit.
                let found = rates((lives, lives), 1.1 * 1.1, luck, 1.1).0 * 100.0;
                let (luck, alarms) = (luck * 100.0, alarms.join(" | "));
                println!("| {luck:.1} % | {lives} and {lives} | {alarms} | {found:.0} % |");
            }
        }
    }
}
