//! Tables of Markdown, and what folds them.

use std::fmt;

use super::escape::Escaped;
use crate::render::race::Race;
use crate::render::view::Names;
use crate::render::{served, table as text_table};
use crate::results::Workload;

/// A table: heads, the alignment of its columns, rows.
pub(super) struct Table {
    heads: Vec<String>,
    /// As many columns from the left are set left, the others right.
    left: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heads: &[impl AsRef<str>], left: usize) -> Table {
        let heads = heads
            .iter()
            .map(|head| Escaped::cell(head.as_ref()).to_string());
        Table {
            heads: heads.collect(),
            left,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Escaped>) {
        let cells = cells.into_iter().map(|cell| cell.to_string());
        self.rows.push(cells.collect());
    }

    /// A row of texts that are escaped already.
    pub(super) fn raw(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.heads.join(" | "))?;
        let rules = (0..self.heads.len()).map(|at| if at < self.left { "---" } else { "--:" });
        writeln!(f, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// The figures of one workload, as in the table on a terminal.
pub(super) fn figures(workload: &Workload, race: &Race<'_>, names: &Names<'_>) -> Table {
    let is_served = workload.rate.is_some();
    let heads = if is_served {
        served::heads()
    } else {
        text_table::heads()
    };
    let heads: Vec<String> = heads
        .iter()
        .map(|head| head.trim().replace('\n', " "))
        .collect();
    let mut table = Table::new(&heads, 1);
    for row in &race.rows {
        let cells = text_table::row(row, race, names, is_served);
        table.row(cells.iter().map(|cell| Escaped::cell(cell)));
    }
    table
}

/// A part that a forge folds under its summary, which is plain text.
pub(super) fn details(summary: &str, body: &str) -> String {
    let summary = Escaped::html(summary);
    format!("\n<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}
