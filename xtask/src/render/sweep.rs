//! Sweeps: tables over several numbers of tasks, workers or requests.

use super::blocks::in_blocks;
use super::knee::{self, ABSENT, Point};
use super::number::{duration, number as shown};
use super::text::wrap;
use super::view::{self, Row};
use crate::results::{Cell, Results};
use crate::text;

/// A table for each workload that was measured with several numbers of tasks, then one for each that was with several
/// numbers of workers; each names the knee of every row. Empty if there are none.
pub fn sweeps(results: &Results) -> String {
    let mut names: Vec<&str> = Vec::new();
    for workload in &results.workloads {
        if !names.contains(&workload.name.as_str()) {
            names.push(&workload.name);
        }
    }
    let mut parts = Vec::new();
    for name in &names {
        let cells = cells(results, |cell| cell.workload == *name);
        if rate(results, name, None).is_none() {
            parts.extend(by_tasks(name, &cells));
        }
    }
    if !parts.is_empty() {
        parts.push(wrap(
            "knee      ",
            "the most tasks that still cost little more than fewer do, at most half as long again; a–b: somewhere \
             between the two",
        ));
    }
    let before = parts.len();
    for name in &names {
        let cells = cells(results, |cell| cell.workload == *name);
        parts.extend(by_rate(results, name, &cells));
    }
    if parts.len() > before {
        parts.push(wrap(
            "knee      ",
            "the highest rate that is answered about as quickly as lower ones, within half as long again: beyond it \
             requests wait for each other; a–b: somewhere between the two",
        ));
    }
    let before = parts.len();
    // Pools that are sized for their work have a second number of workers, which is no sweep.
    let asked = results.settings.workers.len() > 1;
    for workload in results.workloads.iter().filter(|_| asked) {
        let cells = cells(results, |cell| {
            cell.workload == workload.name && cell.tasks == workload.tasks
        });
        let title = view::title_in_words(results, workload);
        parts.extend(by_workers(&title, &cells));
    }
    if parts.len() > before {
        parts.push(wrap(
            "knee      ",
            "the fewest workers that come within 10 % of the best time that more of them reach; >: time still \
             falls at the most of them; a–b: somewhere between the two",
        ));
    }
    parts.join("\n")
}

fn cells(results: &Results, of: impl Fn(&Cell) -> bool) -> Vec<&Cell> {
    let cells = results.cells.iter();
    cells
        .filter(|cell| of(cell) && view::measured(cell))
        .collect()
}

/// `None` with fewer than two numbers of tasks.
fn by_tasks(name: &str, cells: &[&Cell]) -> Option<String> {
    let title = format!("{}: time by the number of tasks", text::name(name));
    let tasks = |cell: &Cell| cell.tasks as f64;
    sweep(&title, cells, Rows::ByWorkers, tasks, knee::of_tasks)
}

/// The rate at which requests came, in the table with that many tasks or in any.
fn rate(results: &Results, name: &str, tasks: Option<usize>) -> Option<f64> {
    let mut tables = results.workloads.iter();
    let found = tables.find(|table| table.name == name && tasks.is_none_or(|n| table.tasks == n));
    found.and_then(|table| table.rate)
}

/// `None` with fewer than two rates.
fn by_rate(results: &Results, name: &str, cells: &[&Cell]) -> Option<String> {
    rate(results, name, None)?;
    let title = format!(
        "{}: p99 of the response by requests a second",
        text::name(name)
    );
    let rate = |cell: &Cell| rate(results, name, Some(cell.tasks)).unwrap_or(0.0);
    sweep(&title, cells, Rows::ByWorkers, rate, knee::of_rates)
}

/// `None` where no contestant was measured with two numbers of workers.
fn by_workers(title: &str, cells: &[&Cell]) -> Option<String> {
    let cells: Vec<&Cell> = cells
        .iter()
        .copied()
        // A number that follows from the waits is no sweep.
        .filter(|cell| cell.workers > 0 && !cell.sized)
        .collect();
    let title = format!("{title}: time by the number of workers");
    let workers = |cell: &Cell| cell.workers as f64;
    sweep(
        &title,
        &cells,
        Rows::ByContestant,
        workers,
        knee::of_workers,
    )
}

/// The key of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// A contestant with one number of workers, which is shown if there are several.
    ByWorkers,
    /// A contestant with all its numbers of workers.
    ByContestant,
}

impl Rows {
    fn row<'a>(self, cell: &'a Cell, several: bool) -> Row<'a> {
        let shows_workers = self == Rows::ByWorkers && several;
        Row {
            model: &cell.model,
            variant: &cell.variant,
            workers: if shows_workers { cell.workers } else { 0 },
        }
    }
}

fn several_workers(cells: &[&Cell]) -> bool {
    let mut workers = cells.iter().map(|cell| cell.workers).filter(|n| *n > 0);
    let first = workers.next();
    workers.any(|other| Some(other) != first)
}

/// A row for each contestant, a column for each number, and the knee of each row.
fn sweep(
    title: &str,
    cells: &[&Cell],
    rows: Rows,
    number: impl Fn(&Cell) -> f64,
    knee: fn(&[Point]) -> String,
) -> Option<String> {
    let several = several_workers(cells);
    let mut seen: Vec<(Row<'_>, Vec<Point>)> = Vec::new();
    for cell in cells {
        let Some(time) = cell.judged().map(|judged| judged.median) else {
            continue;
        };
        let (row, point) = (rows.row(cell, several), (number(cell), time));
        match seen.iter_mut().find(|(known, _)| *known == row) {
            Some((_, points)) if points.iter().any(|known| known.0 == point.0) => {}
            Some((_, points)) => points.push(point),
            None => seen.push((row, vec![point])),
        }
    }
    // What was measured once only does not grow.
    seen.retain(|(_, points)| points.len() > 1);
    if seen.is_empty() {
        return None;
    }
    for (_, points) in &mut seen {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    let all = seen.iter().flat_map(|(_, points)| points);
    let mut numbers: Vec<f64> = all.map(|point| point.0).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let mut columns: Vec<Vec<String>> = Vec::new();
    for at in &numbers {
        let entries = seen.iter().map(|(_, points)| {
            let point = points.iter().find(|point| point.0 == *at);
            point.map_or_else(|| ABSENT.to_owned(), |point| duration(point.1))
        });
        columns.push([shown(*at)].into_iter().chain(entries).collect());
    }
    let knees = seen.iter().map(|(_, points)| knee(points));
    columns.push(["knee".to_owned()].into_iter().chain(knees).collect());
    let names: Vec<String> = seen.iter().map(|(row, _)| row.to_string()).collect();
    Some(wrap("", title) + &in_blocks("model", &names, &columns).join("\n"))
}
