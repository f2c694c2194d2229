//! The order of a table: who won, and what is shown of the others against the winner.

use workload_stats::Interval;

use super::models;
use super::view;
use crate::results::{Cell, JudgedBy, Price, Results, Verdict, Workload};
use crate::stats::{between, counted, judge};

/// A row against the winner.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) verdict: Verdict,
    pub(crate) ratio: Option<Interval>,
    pub(crate) price: Option<Price>,
    pub(crate) by: Option<JudgedBy>,
    /// Whether it competes in this workload: see [`models::is_rival`].
    pub(crate) is_rival: bool,
}

/// The measured rows of a table, the fastest first.
pub(crate) struct Race<'a> {
    pub(crate) rows: Vec<Standing<'a>>,
    /// The place of the winner in `rows`.
    first: usize,
    /// Rows that failed.
    pub(crate) failed: Vec<&'a Cell>,
}

impl<'a> Race<'a> {
    /// The race of each table.
    pub(crate) fn all(results: &'a Results) -> Vec<Race<'a>> {
        let tables = results.workloads.iter();
        tables.map(|table| Race::of(results, table)).collect()
    }

    /// The winner is the best rival. All is judged anew against it where a model that is no rival
    /// was faster.
    pub(crate) fn of(results: &'a Results, workload: &Workload) -> Race<'a> {
        let (measured, failed): (Vec<&Cell>, Vec<&Cell>) = view::cells(results, workload)
            .into_iter()
            .partition(|cell| view::measured(cell));
        let is_rival = |cell: &Cell| models::is_rival(&cell.model, &workload.items);
        let first = measured.iter().position(|cell| is_rival(cell)).unwrap_or(0);
        let (margin, floor) = (results.settings.margin(), results.settings.floor());
        let rows = measured.iter().enumerate().map(|(place, &cell)| {
            let stored = Standing {
                cell,
                verdict: cell.verdict.unwrap_or(Verdict::Open),
                ratio: cell.ratio_to_best,
                price: cell.price,
                by: cell.judged_by,
                is_rival: is_rival(cell),
            };
            match (first, place == first) {
                (0, _) => stored,
                (_, true) => as_winner(stored),
                _ => against(stored, measured[first], margin, floor),
            }
        });
        Race {
            rows: rows.collect(),
            first,
            failed,
        }
    }

    /// `None` where nothing was measured.
    pub(crate) fn winner(&self) -> Option<&Standing<'a>> {
        self.rows.get(self.first)
    }

    /// The other rivals, each by the faster of its numbers of workers.
    pub(crate) fn others(&self) -> Vec<&Standing<'a>> {
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let name = |row: &Standing<'a>| (row.cell.model.as_str(), row.cell.variant.as_str());
        seen.extend(self.winner().map(name));
        let mut others = Vec::new();
        for row in self.rows.iter().filter(|row| row.is_rival) {
            if !seen.contains(&name(row)) {
                seen.push(name(row));
                others.push(row);
            }
        }
        others
    }

    /// The other rivals with this verdict.
    pub(crate) fn with(&self, verdict: Verdict) -> Vec<&Standing<'a>> {
        let others = self.others().into_iter();
        others.filter(|row| row.verdict == verdict).collect()
    }

    /// The models that are no rivals here.
    pub(crate) fn beside(&self) -> Vec<&Standing<'a>> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(place, row)| !row.is_rival && *place != self.first)
            .map(|(_, row)| row)
            .collect()
    }

    /// The fastest row of this contestant.
    pub(crate) fn row(&self, model: &str, variant: &str) -> Option<&Standing<'a>> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.cell.model == model && row.cell.variant == variant)
    }

    pub(crate) fn is_winner(&self, row: &Standing<'_>) -> bool {
        self.winner()
            .is_some_and(|winner| std::ptr::eq(winner.cell, row.cell))
    }
}

fn as_winner(stored: Standing<'_>) -> Standing<'_> {
    let verdict = if counted(stored.cell).len() > 1 {
        Verdict::Best
    } else {
        Verdict::Open
    };
    let one = Interval {
        median: 1.0,
        low: Some(1.0),
        high: Some(1.0),
    };
    Standing {
        verdict,
        ratio: Some(one),
        price: None,
        ..stored
    }
}

/// A lower bound of a ratio to the best, by one sample, is one of the ratio to a slower winner once
/// it is divided by how much slower that is at most.
fn against<'a>(stored: Standing<'a>, winner: &Cell, margin: f64, floor: f64) -> Standing<'a> {
    let ratio = between(stored.cell, winner);
    let mut standing = Standing {
        verdict: ratio.map_or(Verdict::Open, |ratio| judge(ratio.interval, margin, floor)),
        ratio: ratio.map(|ratio| ratio.interval),
        by: ratio.map(|ratio| ratio.by),
        ..stored
    };
    let faster = standing.ratio.and_then(|ratio| ratio.high);
    if faster.is_some_and(|high| high < 1.0 / (1.0 + margin)) {
        standing.verdict = Verdict::Best;
    }
    if stored.verdict == Verdict::SlowerByOneSample
        && let Some(ratio) = &mut standing.ratio
    {
        let to_best = stored.ratio.and_then(|ratio| ratio.low);
        let winners = winner.ratio_to_best.and_then(|ratio| ratio.high);
        let low = to_best.zip(winners).map(|(low, high)| low / high);
        let low = low.filter(|low| *low > 1.0 + margin.max(floor));
        if low.is_some() {
            (ratio.low, ratio.high) = (low, None);
            standing.verdict = Verdict::SlowerByOneSample;
        }
    }
    standing
}
