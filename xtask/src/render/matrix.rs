//! The closing matrix: which model for which kind of work.

use std::collections::{HashMap, HashSet};

use super::blocks::in_blocks;
use super::number::plural;
use super::table::to_best;
use super::text::{pieces, wrap};
use super::view::{self, Names, Row};
use crate::results::{Cell, Results, Workload};
use crate::stats::counted;

/// Stands where a contestant was neither measured nor skipped.
const ABSENT: &str = "·";

/// All contestants against all workloads, each as its ratio to the best. Empty without workloads.
pub fn matrix(results: &Results) -> String {
    if results.workloads.is_empty() {
        return String::new();
    }
    let mut out = "Which model for which work: time, divided by the best one's\n".to_owned();
    out.push_str(&wrap("", &coverage(results)));
    let blocks = blocks(results);
    for block in &blocks {
        out.push('\n');
        out.push_str(block);
    }
    if blocks.iter().any(|block| block.contains(ABSENT)) {
        out.push_str(&format!("\n{ABSENT} is not part of this comparison.\n"));
    }
    out
}

/// How much of what was to be measured was measured: a summary does not stand without it.
fn coverage(results: &Results) -> String {
    let measured: Vec<usize> = results
        .cells
        .iter()
        .filter(|cell| view::measured(cell))
        .map(|cell| counted(cell).len())
        .collect();
    let failed = results.cells.len() - measured.len();
    let all = results.cells.len() + results.skipped.len();
    let mut text = format!("measured: {} of {}", measured.len(), plural(all, "cell"));
    let mut missing = Vec::new();
    if failed > 0 {
        missing.push(plural(failed, "error"));
    }
    if !results.skipped.is_empty() {
        missing.push(format!("{} skipped", results.skipped.len()));
    }
    if !missing.is_empty() {
        text.push_str(&format!(" ({})", missing.join(", ")));
    }
    if let (Some(least), Some(most)) = (measured.iter().min(), measured.iter().max()) {
        if least == most {
            text.push_str(&format!("; {} each", plural(*most, "sample")));
        } else {
            text.push_str(&format!("; {least} to {}", plural(*most, "sample")));
        }
    }
    if !results.complete {
        text.push_str("; INCOMPLETE: what was never reached is not counted");
    }
    text
}

/// The matrix in as many blocks of columns as 80 characters need.
fn blocks(results: &Results) -> Vec<String> {
    let names = Names::new(results);
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut seen: HashSet<Row<'_>> = HashSet::new();
    let measured = results.cells.iter().map(|cell| names.row_of_cell(cell));
    let skipped = results.skipped.iter();
    for row in measured.chain(skipped.map(|skipped| names.row_of_skipped(skipped))) {
        if seen.insert(row) {
            rows.push(row);
        }
    }
    let columns: Vec<Vec<String>> = results
        .workloads
        .iter()
        .map(|workload| column(results, workload, &names, &rows))
        .collect();

    let rows: Vec<String> = rows.iter().map(Row::to_string).collect();
    in_blocks(&rows, &columns)
}

/// The heading and one entry per row.
fn column(results: &Results, workload: &Workload, names: &Names, rows: &[Row<'_>]) -> Vec<String> {
    let cells = view::cells(results, workload);
    let skipped = view::skipped(results, workload);
    let title = view::title(results, workload, " ");
    let lines: Vec<String> = title.split(' ').flat_map(|word| pieces(word, 16)).collect();
    // The best cell of a row comes first, and stays.
    let mut by_row: HashMap<Row<'_>, &Cell> = HashMap::new();
    for cell in cells {
        by_row.entry(names.row_of_cell(cell)).or_insert(cell);
    }
    let skipped: HashSet<Row<'_>> = skipped
        .into_iter()
        .map(|skipped| names.row_of_skipped(skipped))
        .collect();
    let entries = rows.iter().map(|row| {
        if let Some(cell) = by_row.get(row) {
            if view::measured(cell) {
                to_best(cell)
            } else {
                "error".to_owned()
            }
        } else if skipped.contains(row) {
            "skipped".to_owned()
        } else {
            ABSENT.to_owned()
        }
    });
    [lines.join("\n")].into_iter().chain(entries).collect()
}
