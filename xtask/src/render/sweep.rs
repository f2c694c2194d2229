//! Sweeps: tables over several numbers of tasks, workers or requests.

use super::blocks::in_blocks;
use super::knee::{self, ABSENT, Point};
use super::number::{duration, number as shown};
use super::text::wrap;
use super::view::{self, Row};
use crate::results::{Cell, Results};
use crate::text;

/// Marks a time by one sample, and what follows from it.
const OPEN: &str = "?";

/// A table for each workload that was measured with several numbers of tasks, then one for each
/// that was with several numbers of workers; each names the knee, or the flat region, of every row.
/// Empty if there are none.
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
    explain(
        &mut parts,
        0,
        "knee",
        "the most tasks that still cost little more than fewer do, at most half as long again",
        &[("–", "a–b: somewhere between the two")],
    );
    let before = parts.len();
    for name in &names {
        let cells = cells(results, |cell| cell.workload == *name);
        parts.extend(by_rate(results, name, &cells));
    }
    explain(
        &mut parts,
        before,
        "knee",
        "the highest rate that is answered about as quickly as lower ones, within half as long \
         again: beyond it requests wait for each other",
        &[("–", "a–b: somewhere between the two")],
    );
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
    explain(
        &mut parts,
        before,
        "flat",
        "the numbers of workers that are as good as any, within 10 % of the best time",
        &[
            (">", ">a: begins, or time still falls, somewhere above a"),
            ("≤", "≤: or fewer"),
            ("+", "+: or more"),
        ],
    );
    parts.join("\n")
}

/// Adds a line on the last column of the tables from this one on, with the marks that occur there.
fn explain(
    parts: &mut Vec<String>,
    from: usize,
    column: &str,
    meaning: &str,
    marks: &[(&str, &str)],
) {
    let tables = parts[from..].concat();
    if tables.is_empty() {
        return;
    }
    let one_sample = (OPEN, "?: by one sample, so open");
    let marks = marks.iter().chain([&one_sample]);
    let occurring = marks.filter(|(mark, _)| tables.contains(mark));
    let mut said = vec![meaning];
    said.extend(occurring.map(|(_, meaning)| *meaning));
    parts.push(wrap(&format!("{column:10}"), &said.join("; ")));
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
    sweep(
        &title,
        cells,
        Rows::ByWorkers,
        tasks,
        ("knee", knee::of_tasks),
    )
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
    sweep(
        &title,
        cells,
        Rows::ByWorkers,
        rate,
        ("knee", knee::of_rates),
    )
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
        ("flat", knee::of_workers),
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

/// A contestant, and its times: whether each has bounds.
struct Line<'a> {
    row: Row<'a>,
    points: Vec<(Point, bool)>,
}

/// A row for each contestant, a column for each number, and a last one made from the row. A time
/// without bounds is marked, and so is what is made from it.
fn sweep(
    title: &str,
    cells: &[&Cell],
    rows: Rows,
    number: impl Fn(&Cell) -> f64,
    (head, knee): (&str, fn(&[Point]) -> String),
) -> Option<String> {
    let several = several_workers(cells);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for cell in cells {
        let Some(judged) = cell.judged() else {
            continue;
        };
        let point = (number(cell), judged.median);
        let point = (point, view::bounds(&judged).is_some());
        let row = rows.row(cell, several);
        match lines.iter_mut().find(|known| known.row == row) {
            Some(known) if known.points.iter().any(|other| other.0.0 == point.0.0) => {}
            Some(known) => known.points.push(point),
            None => lines.push(Line {
                row,
                points: vec![point],
            }),
        }
    }
    // A contestant with one measurement does not grow.
    lines.retain(|line| line.points.len() > 1);
    if lines.is_empty() {
        return None;
    }
    for line in &mut lines {
        line.points
            .sort_by(|one, other| one.0.0.total_cmp(&other.0.0));
    }
    let all = lines.iter().flat_map(|line| &line.points);
    let mut numbers: Vec<f64> = all.map(|(point, _)| point.0).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let open = |sure: bool| if sure { "" } else { OPEN };
    let mut columns: Vec<Vec<String>> = Vec::new();
    for at in &numbers {
        let entries = lines.iter().map(|line| {
            let mut points = line.points.iter();
            let found = points.find(|(point, _)| point.0 == *at);
            found.map_or_else(
                || ABSENT.to_owned(),
                |(point, sure)| duration(point.1) + open(*sure),
            )
        });
        columns.push([shown(*at)].into_iter().chain(entries).collect());
    }
    let knees = lines.iter().map(|line| {
        let points: Vec<Point> = line.points.iter().map(|(point, _)| *point).collect();
        knee(&points) + open(line.points.iter().all(|(_, sure)| *sure))
    });
    columns.push([head.to_owned()].into_iter().chain(knees).collect());
    let names: Vec<String> = lines.iter().map(|line| line.row.to_string()).collect();
    Some(wrap("", title) + &in_blocks("model", &names, &columns).join("\n"))
}
