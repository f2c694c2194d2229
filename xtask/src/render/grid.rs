//! Aligned columns that fit on the page: the first holds names, the others figures.
//!
//! Own code rather than a table crate for one reason: only the names may break over lines, and only
//! when nothing else makes the row fit.

use super::page::{self, paint_figure};
use super::text::pieces;
use crate::text::width as length;

/// Names keep at least these columns, if they are as long.
const FEWEST_NAME_COLUMNS: usize = 12;

/// Rows of cells; a cell may have several lines. The first column is set left, the others right.
#[derive(Default)]
pub(super) struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// Adds a row. Rows may differ in length.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The width of the first column and of all others, as they are now.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .flat_map(|cell| cell.lines())
                    .map(length)
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// All rows, each line ended; two spaces between the columns, or one where two are too many.
    /// Where names would keep too little room even so, the columns stand in blocks one below the
    /// other, with the names before each.
    pub(super) fn render(self) -> String {
        let widths = self.widths();
        let names = widths
            .first()
            .copied()
            .unwrap_or(0)
            .min(FEWEST_NAME_COLUMNS);
        let figures: usize = widths.iter().skip(1).map(|width| width + 1).sum();
        if names + figures <= page::columns() || widths.len() < 3 {
            return self.in_one();
        }
        let mut out = Vec::new();
        let mut from = 1;
        while from < widths.len() {
            let mut used = names + 1 + widths[from];
            let mut to = from + 1;
            while to < widths.len() && used + 1 + widths[to] <= page::columns() {
                used += 1 + widths[to];
                to += 1;
            }
            let rows = self.rows.iter().map(|row| {
                let figures = row.get(from..to.min(row.len())).unwrap_or_default();
                row.iter().take(1).chain(figures).cloned().collect()
            });
            out.push(
                Grid {
                    rows: rows.collect(),
                }
                .in_one(),
            );
            from = to;
        }
        out.join("\n")
    }

    fn in_one(mut self) -> String {
        let total = |widths: &[usize], gap: usize| {
            widths.iter().sum::<usize>() + gap * widths.len().saturating_sub(1)
        };
        let mut widths = self.widths();
        let mut gap = 2;
        if total(&widths, gap) > page::columns() {
            gap = 1;
        }
        if total(&widths, gap) > page::columns() {
            let figures = total(&widths[1..], gap) + gap;
            let room = page::columns().saturating_sub(figures).max(6);
            for row in &mut self.rows {
                if let Some(name) = row.first_mut() {
                    *name = fold(name, room);
                }
            }
            widths = self.widths();
        }
        let mut out = String::new();
        for row in &self.rows {
            out.push_str(&lines(row, &widths, gap));
        }
        out
    }
}

/// The lines of a row, its figures in the colour of their marks.
fn lines(row: &[String], widths: &[usize], gap: usize) -> String {
    let heights = row.iter().map(|cell| cell.lines().count());
    let mut out = String::new();
    for line in 0..heights.max().unwrap_or(0) {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let part = cell.lines().nth(line).unwrap_or("");
            let pad = " ".repeat(widths[column].saturating_sub(length(part)));
            if column == 0 {
                text.push_str(&format!("{part}{pad}"));
            } else {
                let figure = paint_figure(part);
                text.push_str(&format!("{}{pad}{figure}", " ".repeat(gap)));
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// Breaks a name into lines of at most `room` columns where possible: `model ×2`, then ` /variant`.
fn fold(name: &str, room: usize) -> String {
    let mut lines = Vec::new();
    for line in name.split('\n') {
        match line.split_once('/') {
            Some((model, variant)) if length(line) > room => {
                let (variant, workers) = match variant.find(" ×") {
                    Some(at) => variant.split_at(at),
                    None => (variant, ""),
                };
                lines.extend(pieces(&format!("{model}{workers}"), room));
                lines.extend(pieces(&format!(" /{variant}"), room));
            }
            _ if line.is_empty() => lines.push(String::new()),
            _ => lines.extend(pieces(line, room)),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::page::{Page, on_page};

    const WIDTH: usize = Page::PLAIN.columns;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn figures_are_set_right_and_names_left() {
        let mut grid = Grid::default();
        grid.row(row(&["model", "time"]));
        grid.row(row(&["pool", "1.50 s"]));
        assert_eq!(grid.render(), "model    time\npool   1.50 s\n");
        assert_eq!(Grid::default().render(), "");
    }

    #[test]
    fn a_narrow_page_has_the_columns_in_blocks() {
        let mut grid = Grid::default();
        grid.row(row(&["model", "time", "to best", "memory"]));
        grid.row(row(&["thread-pool", "1.50 s", "1.35", "12 MiB"]));
        let narrow = Page {
            columns: 28,
            ..Page::PLAIN
        };
        assert_eq!(
            on_page(narrow, || grid.render()),
            "model         time  to best\nthread-pool  1.50 s     1.35\n\n\
             model        memory\nthread-pool  12 MiB\n"
                .replace(
                    "model         time  to best",
                    "model          time  to best"
                )
        );
    }

    #[test]
    fn a_long_name_breaks_before_its_variant() {
        let mut grid = Grid::default();
        grid.row(row(&["tokio-tasks/blocking-in-loop", &"9".repeat(59)]));
        assert_eq!(
            grid.render(),
            format!(
                "tokio-tasks        {}\n /blocking-in-loop\n",
                "9".repeat(59)
            )
        );
    }

    #[test]
    fn the_number_of_workers_stays_with_the_model() {
        assert_eq!(
            fold("tokio-tasks/blocking-in-loop ×16", 18),
            "tokio-tasks ×16\n /blocking-in-loop"
        );
        assert_eq!(fold("threads/limited ×8", 18), "threads/limited ×8");
    }

    #[test]
    fn a_name_that_still_does_not_fit_is_cut_and_not_lost() {
        let mut grid = Grid::default();
        grid.row(row(&[&"n".repeat(50), &"9".repeat(60)]));
        let text = grid.render();
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert_eq!(text.matches('n').count(), 50);
    }
}
