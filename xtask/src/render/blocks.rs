//! Tables wider than the page, split into blocks one below the other.

use super::grid::Grid;
use super::page;
use crate::text::width as columns_of_line;

/// Whether all columns stand in one block, with one space between them. Each has its heading first,
/// which may be of several lines, then an entry for each row.
pub(super) fn fit(head: &str, rows: &[String], columns: &[Vec<String>]) -> bool {
    let all: usize = columns.iter().map(|column| 1 + width(column)).sum();
    all <= room(head, rows)
}

/// The width that the names of the rows leave for the columns.
fn room(head: &str, rows: &[String]) -> usize {
    let names = rows.iter().map(|name| columns_of_line(name));
    let longest = names.max().unwrap_or(0);
    let head_columns = columns_of_line(head);
    page::columns() - longest.clamp(head_columns, (page::columns() / 2).max(head_columns))
}

/// The columns as for [`fit`]; the names of the rows stand before every block, under `head`.
pub(super) fn in_blocks(head: &str, rows: &[String], columns: &[Vec<String>]) -> Vec<String> {
    if !columns.is_empty() && fit(head, rows, columns) {
        return vec![render(head, columns, rows)];
    }
    let room = room(head, rows);
    let mut blocks = Vec::new();
    let mut rest = columns;
    while !rest.is_empty() {
        let mut used = 0;
        let fitting = rest.iter().take_while(|column| {
            used += 2 + width(column);
            used <= room
        });
        let (block, after) = rest.split_at(fitting.count().max(1));
        blocks.push(render(head, block, rows));
        rest = after;
    }
    blocks
}

fn render(head: &str, columns: &[Vec<String>], rows: &[String]) -> String {
    let height = columns
        .iter()
        .map(|column| column[0].lines().count())
        .max()
        .unwrap_or(1)
        // Headings may be empty, and the one of the names is not.
        .max(1);
    let bottom = |text: &str| "\n".repeat(height.saturating_sub(text.lines().count())) + text;
    let mut grid = Grid::default();
    let heads = columns.iter().map(|column| bottom(&column[0]));
    grid.row([bottom(head)].into_iter().chain(heads).collect());
    for (at, name) in rows.iter().enumerate() {
        let figures = columns.iter().map(|column| column[at + 1].clone());
        grid.row([name.clone()].into_iter().chain(figures).collect());
    }
    grid.render()
}

fn width(column: &[String]) -> usize {
    let lines = column.iter().flat_map(|cell| cell.lines());
    lines.map(columns_of_line).max().unwrap_or(0)
}
