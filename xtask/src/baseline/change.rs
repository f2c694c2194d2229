//! Changes of cells between two comparisons.

use std::collections::HashMap;

use workload_stats::{Interval, median};

use crate::results::{Cell, Results, Settings, Skipped, Verdict, Workload};
use crate::stats::{TwoRuns, deviation, judge, two_runs};

/// Fewer cells than this say nothing about the machine.
const FEWEST_COMMON: usize = 5;

/// A cell that both comparisons have.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// As it is now.
    pub now: &'a Cell,
    /// As it was.
    pub then: &'a Cell,
    /// Time now divided by time then.
    pub two: TwoRuns,
    /// The reading of the interval.
    pub finding: Finding,
}

/// The change that the interval of the ratio shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Faster: the whole interval lies below the margin.
    Faster,
    /// Slower: the whole interval lies above the margin.
    Slower,
    /// The same: the whole interval lies within the margin.
    Same,
    /// The same within twice the margin.
    Nearly,
    /// Not decided.
    Open,
    /// Too few samples in one of the two for an interval.
    TooFew,
}

impl Finding {
    fn of(ratio: Interval, settings: &Settings) -> Finding {
        let Some((low, high)) = ratio.low.zip(ratio.high) else {
            return Finding::TooFew;
        };
        let judged = |ratio: Interval| judge(ratio, settings.margin(), settings.floor());
        let inverse = Interval {
            median: 1.0 / ratio.median,
            low: Some(1.0 / high),
            high: Some(1.0 / low),
        };
        match (judged(ratio), judged(inverse)) {
            (Verdict::Slower, _) => Finding::Slower,
            (_, Verdict::Slower) => Finding::Faster,
            (Verdict::Fast, _) => Finding::Same,
            (Verdict::FastWithin10, _) => Finding::Nearly,
            _ => Finding::Open,
        }
    }

    /// Whether it is beyond noise.
    pub fn is_clear(self) -> bool {
        matches!(self, Finding::Faster | Finding::Slower)
    }
}

/// The changes in one table.
#[derive(Debug)]
pub struct Changes<'a> {
    /// The table, as it is now.
    pub workload: &'a Workload,
    /// Why its cells are not compared, if they are not.
    pub missing: Option<Missing>,
    /// The cells that both have, in the order of the table.
    pub rows: Vec<Change<'a>>,
    /// The cells that were measured then, and now would take too long for that.
    pub lost: Vec<&'a Skipped>,
}

/// Why a table is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The earlier comparison has no such table.
    Table,
    /// It had other inputs.
    OtherInputs,
}

type TableKey<'a> = (&'a str, usize, Option<u64>);
type CellKey<'a> = (TableKey<'a>, &'a str, &'a str, usize);

fn bits(rate: Option<f64>) -> Option<u64> {
    rate.map(f64::to_bits)
}

fn table_of(workload: &Workload) -> TableKey<'_> {
    (&workload.name, workload.tasks, bits(workload.rate))
}

fn cell_of(cell: &Cell) -> CellKey<'_> {
    let table = (cell.workload.as_str(), cell.tasks, bits(cell.rate));
    (table, &cell.model, &cell.variant, cell.workers)
}

fn skipped_of(skipped: &Skipped) -> CellKey<'_> {
    let table = (skipped.workload.as_str(), skipped.tasks, bits(skipped.rate));
    (table, &skipped.model, &skipped.variant, skipped.workers)
}

fn is_measured(cell: &Cell) -> bool {
    cell.counts() && cell.wall_ns.is_some()
}

/// The cells of each table that have figures.
fn by_table(results: &Results) -> HashMap<TableKey<'_>, Vec<&Cell>> {
    let mut tables: HashMap<TableKey<'_>, Vec<&Cell>> = HashMap::new();
    for cell in results.cells.iter().filter(|cell| is_measured(cell)) {
        tables.entry(cell_of(cell).0).or_default().push(cell);
    }
    tables
}

/// All changes, table by table.
pub fn compared<'a>(now: &'a Results, then: &'a Results) -> Vec<Changes<'a>> {
    let described: HashMap<TableKey<'_>, &Workload> =
        then.workloads.iter().map(|it| (table_of(it), it)).collect();
    let (mut cells, before) = (by_table(now), by_table(then));
    let changes = now.workloads.iter().map(|workload| {
        let key = table_of(workload);
        let missing = match described.get(&key) {
            None => Some(Missing::Table),
            Some(before) if before.digest != workload.digest => Some(Missing::OtherInputs),
            Some(_) => None,
        };
        let cells = cells.remove(&key).unwrap_or_default();
        let before = before.get(&key).filter(|_| missing.is_none());
        let rows = before.map(|before| rows(&cells, before, &now.settings));
        let lost = before.map(|before| lost(&now.skipped, before));
        Changes {
            workload,
            missing,
            rows: rows.unwrap_or_default(),
            lost: lost.unwrap_or_default(),
        }
    });
    changes.collect()
}

/// Those of the skipped cells that are too slow now and have figures from then.
fn lost<'a>(skipped: &'a [Skipped], then: &[&Cell]) -> Vec<&'a Skipped> {
    let slow = skipped
        .iter()
        .filter(|it| it.too_slow || it.at_least_ns.is_some());
    let was_measured = |it: &&Skipped| then.iter().any(|cell| cell_of(cell) == skipped_of(it));
    slow.filter(was_measured).collect()
}

/// The changes of one table, the best cell first.
fn rows<'a>(now: &[&'a Cell], then: &[&'a Cell], settings: &Settings) -> Vec<Change<'a>> {
    let spread = |cells: &[&'a Cell]| deviation(cells.iter().copied());
    let (now_spread, then_spread) = (spread(now), spread(then));
    let before: HashMap<CellKey<'_>, &Cell> =
        then.iter().map(|cell| (cell_of(cell), *cell)).collect();
    let changes = now.iter().filter_map(|now| {
        let then = *before.get(&cell_of(now))?;
        let two = two_runs((now, now_spread), (then, then_spread))?;
        let finding = Finding::of(two.ratio, settings);
        Some(Change {
            now,
            then,
            two,
            finding,
        })
    });
    let mut changes: Vec<Change<'_>> = changes.collect();
    changes.sort_by_key(|change| change.now.rank.unwrap_or(usize::MAX));
    changes
}

/// The factor by which the typical cell changed, where it is beyond the margin: then it is likely
/// the machine that changed, and not a model.
pub fn common(changes: &[Changes<'_>], settings: &Settings) -> Option<f64> {
    let rows = changes.iter().flat_map(|table| &table.rows);
    let ratios: Vec<f64> = rows.map(|row| row.two.ratio.median).collect();
    let typical = median(&ratios).filter(|_| ratios.len() >= FEWEST_COMMON)?;
    let margin = 1.0 + settings.margin();
    (typical > margin || typical < 1.0 / margin).then_some(typical)
}
