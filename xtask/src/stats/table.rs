//! The verdicts on the cells of one table.

use workload_stats::{Interval, median, median_interval};

use super::far;
use super::lives::counted;
use super::paired::{Ratio, Timed, paired_ratio};
use super::rules::{BASELINE, Rules};
use super::signed_rank::fewest;
use super::verdict::{judge, more_values, price};
use crate::results::{CONFIDENCE, Cell, JudgedBy, Verdict};

/// Rounds in a life, for the price of a verdict that is judged by lives.
const ROUNDS_OF_A_LIFE: u32 = 3;

/// Computes time, ratio to the best, rank, verdict and speed-up of these cells anew, which must be
/// all cells of a table. Cells that failed, or were not verified, take part in nothing.
pub fn judge_table(cells: &mut [&mut Cell], rules: Rules) {
    let entries: Vec<Option<Entry>> = cells.iter().map(|cell| Entry::of(cell, rules)).collect();
    let measured: Vec<(usize, &Entry)> = entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((at, entry.as_ref()?)))
        .collect();
    let Some(best) = best(&measured) else {
        return;
    };
    let table = Judged {
        best: measured[best].1,
        deviation: far::allowance(&times(&measured)),
        rules,
    };
    let baselines: Vec<(usize, &Entry)> = measured
        .iter()
        .copied()
        .filter(|(at, _)| cells[*at].model == BASELINE && cells[*at].variant.is_empty())
        .map(|(at, entry)| (cells[at].workers, entry))
        .collect();
    for (place, (at, entry)) in measured.iter().enumerate() {
        // With several numbers of workers the baseline of the same number, else the one there is.
        let baseline = baselines
            .iter()
            .min_by_key(|(workers, _)| *workers != cells[*at].workers);
        let speedup = baseline.and_then(|(_, baseline)| table.speedup(baseline, entry));
        let cell = &mut *cells[*at];
        cell.wall_ns = Some(entry.wall);
        cell.response_ns = rules.served.then_some(entry.time);
        cell.speedup = speedup;
        table.judge(cell, entry, place == best);
    }
    rank(cells, measured[best].0);
}

/// The ratio of the times of two cells of a table, `more ÷ less`, by the rounds that both have, or
/// by their medians where they share none.
pub fn between(more: &Cell, less: &Cell) -> Option<Ratio> {
    let rules = Rules {
        served: more.response_ns.is_some(),
        margin: 0.0,
        floor: 0.0,
    };
    let (a, b) = (Entry::of(more, rules)?, Entry::of(less, rules)?);
    a.over(&b, more.confidence().max(less.confidence()))
}

/// A cell that takes part, with its times.
struct Entry {
    rounds: Vec<Timed>,
    /// All its times, those of first samples that do not count included.
    all: Vec<f64>,
    /// The figure that it is judged by.
    time: Interval,
    wall: Interval,
}

impl Entry {
    fn of(cell: &Cell, rules: Rules) -> Option<Entry> {
        if !cell.counts() {
            return None;
        }
        let counted = counted(cell);
        let rounds: Vec<Timed> = counted
            .iter()
            .map(|sample| Timed {
                life: sample.life,
                round: sample.round,
                ns: sample.judged_ns(rules.served),
            })
            .collect();
        let walls: Vec<f64> = counted.iter().map(|s| s.wall_ns as f64).collect();
        let times: Vec<f64> = rounds.iter().map(|timed| timed.ns).collect();
        Some(Entry {
            time: median_interval(&times)?,
            wall: median_interval(&walls)?,
            all: cell
                .samples
                .iter()
                .map(|sample| sample.judged_ns(rules.served))
                .collect(),
            rounds,
        })
    }

    /// Whether it has samples of more than the first round, which verifies it.
    fn is_sampled(&self) -> bool {
        let first = self.rounds.first().map(|timed| timed.round);
        self.rounds.iter().any(|timed| Some(timed.round) != first)
    }

    /// This one's time divided by the other's.
    fn over(&self, other: &Entry, confidence: f64) -> Option<Ratio> {
        let both = self.is_sampled() && other.is_sampled();
        let paired = both
            .then(|| paired_ratio(&self.rounds, &other.rounds, confidence))
            .flatten();
        paired.or_else(|| {
            let ratio = median(&[self.time.median / other.time.median])?;
            Some(Ratio {
                interval: bare(ratio),
                by: JudgedBy::Rounds,
                values: self.rounds.len().min(other.rounds.len()),
            })
        })
    }
}

/// A table that has a best cell.
struct Judged<'a> {
    best: &'a Entry,
    deviation: Option<f64>,
    rules: Rules,
}

impl Judged<'_> {
    fn judge(&self, cell: &mut Cell, entry: &Entry, is_best: bool) {
        if is_best {
            let bound = entry.time.low.map(|_| 1.0);
            cell.ratio_to_best = Some(Interval {
                median: 1.0,
                low: bound,
                high: bound,
            });
            cell.tied_with_best = Some(true);
            cell.verdict = Some(bound.map_or(Verdict::Open, |_| Verdict::Best));
            return;
        }
        let Some(ratio) = entry.over(self.best, cell.confidence()) else {
            cell.verdict = Some(Verdict::Open);
            return;
        };
        let mut interval = ratio.interval;
        let mut verdict = judge(interval, self.rules.margin, self.rules.floor);
        if interval.low.is_none()
            && let Some(least) = self.least_ratio(entry, self.best)
            && least > 1.0 + self.rules.margin.max(self.rules.floor)
        {
            interval.low = Some(least);
            verdict = Verdict::SlowerByOneSample;
        }
        cell.tied_with_best = match verdict {
            Verdict::SlowerByOneSample => Some(false),
            _ => spans_one(interval),
        };
        cell.judged_by = interval.high.map(|_| ratio.by);
        cell.ratio_to_best = Some(interval);
        cell.verdict = Some(verdict);
        if !verdict.is_decided() {
            let fewest = fewest(cell.confidence());
            let more = more_values(ratio.interval, self.rules, ratio.values, fewest);
            let rounds = match ratio.by {
                JudgedBy::Rounds => more,
                JudgedBy::Lives => more.map(|lives| lives.saturating_mul(ROUNDS_OF_A_LIFE)),
            };
            let together = entry.wall.median + self.best.wall.median;
            cell.price = rounds.map(|rounds| price(rounds, together));
        }
    }

    /// The verdict on the luckiest reading of the quickest sample.
    fn least_ratio(&self, entry: &Entry, to: &Entry) -> Option<f64> {
        let quickest = entry.all.iter().copied().fold(f64::INFINITY, f64::min);
        far::least_ratio(quickest, self.deviation?, to.time.high?)
    }

    fn speedup(&self, baseline: &Entry, entry: &Entry) -> Option<Interval> {
        if std::ptr::eq(baseline, entry) {
            let bound = entry.time.low.map(|_| 1.0);
            return Some(Interval {
                median: 1.0,
                low: bound,
                high: bound,
            });
        }
        let mut speedup = baseline.over(entry, CONFIDENCE)?.interval;
        if !baseline.is_sampled() && speedup.median > 1.0 {
            speedup.low = self
                .least_ratio(baseline, entry)
                .filter(|least| *least > 1.0);
        }
        Some(speedup)
    }
}

/// The place of the best: the one that no other was faster than, by the estimates of their ratios.
///
/// The lowest median is only where the search begins, since medians of cells that were sampled in
/// other rounds are hit by other drift. Cells with less than half of the most rounds cannot be the
/// best: there would be too few rounds to hold the others against them.
fn best(measured: &[(usize, &Entry)]) -> Option<usize> {
    let most = measured.iter().map(|(_, entry)| entry.rounds.len()).max()?;
    let candidates: Vec<(usize, &Entry)> = measured
        .iter()
        .enumerate()
        .filter(|(_, (_, entry))| entry.rounds.len() * 2 >= most)
        .map(|(place, (_, entry))| (place, *entry))
        .collect();
    let mut best = *candidates
        .iter()
        .min_by(|a, b| a.1.time.median.total_cmp(&b.1.time.median))?;
    // Estimates of ratios need not be transitive, so the search has an end.
    for _ in 0..candidates.len() {
        let ratio = |entry: &Entry| {
            let ratio = entry.over(best.1, CONFIDENCE);
            ratio.map_or(f64::INFINITY, |ratio| ratio.interval.median)
        };
        let others = candidates.iter().filter(|(place, _)| *place != best.0);
        let quickest = others
            .map(|(place, entry)| (*place, *entry, ratio(entry)))
            .min_by(|a, b| a.2.total_cmp(&b.2));
        match quickest {
            Some((place, entry, ratio)) if ratio < 1.0 => best = (place, entry),
            _ => break,
        }
    }
    Some(best.0)
}

fn times(measured: &[(usize, &Entry)]) -> Vec<Vec<f64>> {
    measured
        .iter()
        .map(|(_, entry)| entry.all.clone())
        .collect()
}

/// Ranks by the ratio to the best; equal ones keep the order of the file.
fn rank(cells: &mut [&mut Cell], best: usize) {
    let ratio = |cell: &Cell| {
        cell.ratio_to_best
            .map_or(f64::INFINITY, |ratio| ratio.median)
    };
    let mut order: Vec<usize> = (0..cells.len())
        .filter(|at| cells[*at].wall_ns.is_some())
        .collect();
    order.sort_by(|a, b| {
        let key = |at: usize| (at != best, ratio(cells[at]));
        let ((a_is_not, a), (b_is_not, b)) = (key(*a), key(*b));
        a_is_not.cmp(&b_is_not).then(a.total_cmp(&b))
    });
    for (place, at) in order.into_iter().enumerate() {
        cells[at].rank = Some(place + 1);
    }
}

fn bare(median: f64) -> Interval {
    Interval {
        median,
        low: None,
        high: None,
    }
}

/// `None` without bounds, as nothing was judged.
fn spans_one(ratio: Interval) -> Option<bool> {
    let (low, high) = ratio.low.zip(ratio.high)?;
    Some(low <= 1.0 && 1.0 <= high)
}
