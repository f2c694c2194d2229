//! Changes since an earlier comparison, in Markdown.

use std::fmt::Write as _;

use super::escape::Escaped;
use super::tables::Table;
use crate::baseline::compared;
use crate::render::baseline::{cautions, clear_rows, counts, method, then};
use crate::results::Results;

/// The changes beyond noise, and how much was compared.
pub(super) fn against(out: &mut String, results: &Results, earlier: &Results) {
    let changes = compared(results, earlier);
    let cells: usize = changes.iter().map(|table| table.rows.len()).sum();
    let said = format!("({}): {}.", then(earlier), counts(&changes));
    let _ = write!(
        out,
        "\nAgainst the earlier comparison {}\n",
        Escaped::line(&said)
    );
    for caution in cautions(results, earlier, &changes) {
        let _ = write!(out, "\n**Warning**: {}\n", Escaped::line(&caution));
    }
    let rows = clear_rows(results, &changes);
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new(
        &[
            "changed beyond noise",
            "then",
            "now",
            "ratio",
            "interval",
            "",
        ],
        1,
    );
    for row in rows {
        table.row(row.iter().map(|cell| Escaped::cell(cell)));
    }
    let _ = write!(
        out,
        "\n{table}\n{}\n",
        Escaped::line(&method(results, cells))
    );
}
