//! Tables wider than the page, split into blocks one below the other.

use super::grid::Grid;
use super::page;
use crate::text::width as columns_of_line;

/// Each column has its heading first, which may be of several lines, then an entry for each row.
/// The names of the rows stand before every block, under `head`. All stand in one block where they
/// fit with one space between them.
pub(super) fn in_blocks(head: &str, rows: &[String], columns: &[Vec<String>]) -> Vec<String> {
    let longest = rows
        .iter()
        .map(|name| columns_of_line(name))
        .max()
        .unwrap_or(0);
    let head_columns = columns_of_line(head);
    let room =
        page::columns() - longest.clamp(head_columns, (page::columns() / 2).max(head_columns));
    let all: usize = columns.iter().map(|column| 1 + width(column)).sum();
    if !columns.is_empty() && all <= room {
        return vec![render(head, columns, rows)];
    }
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
