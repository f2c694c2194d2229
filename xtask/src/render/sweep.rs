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
    let mut parts = Vec::new();
    for group in groups(results) {
        let before = parts.len();
        parts.extend(group.sweeps.iter().map(Sweep::table));
        let meaning = group.meaning(&parts[before..].concat());
        parts.extend(meaning.map(|text| wrap(&format!("{:10}", group.head), &text)));
    }
    parts.join("\n")
}

/// Sweeps of one kind, whose last column means the same.
pub(crate) struct Group<'a> {
    /// The head of the last column.
    pub(crate) head: &'static str,
    about: &'static str,
    marks: &'static [(&'static str, &'static str)],
    pub(crate) sweeps: Vec<Sweep<'a>>,
}

impl Group<'_> {
    /// The meaning of the last column of these tables, with the marks that occur in them; `None`
    /// without tables.
    pub(crate) fn meaning(&self, tables: &str) -> Option<String> {
        if self.sweeps.is_empty() {
            return None;
        }
        let one_sample = (OPEN, "?: by one sample, so open");
        let marks = self.marks.iter().chain([&one_sample]);
        let occurring = marks.filter(|(mark, _)| tables.contains(mark));
        let mut said = vec![self.about];
        said.extend(occurring.map(|(_, meaning)| *meaning));
        Some(said.join("; "))
    }
}

/// All sweeps: over numbers of tasks, over rates of requests, over numbers of workers.
pub(crate) fn groups(results: &Results) -> [Group<'_>; 3] {
    let mut names: Vec<&str> = Vec::new();
    for workload in &results.workloads {
        if !names.contains(&workload.name.as_str()) {
            names.push(&workload.name);
        }
    }
    let (mut tasks, mut rates) = (Vec::new(), Vec::new());
    for name in names {
        let cells = cells(results, |cell| cell.workload == name);
        match rate(results, name, None) {
            None => tasks.extend(by_tasks(name, &cells)),
            Some(_) => rates.extend(by_rate(results, name, &cells)),
        }
    }
    // Pools that are sized for their work have a second number of workers, which is no sweep.
    let asked = results.settings.workers.len() > 1;
    let tables = results.workloads.iter().filter(|_| asked);
    let workers = tables.filter_map(|workload| {
        let cells = cells(results, |cell| {
            cell.workload == workload.name && cell.tasks == workload.tasks
        });
        by_workers(&view::title_in_words(results, workload), &cells)
    });
    [
        Group {
            head: "knee",
            about: "the most tasks that still cost little more than fewer do, at most half as \
                    long again",
            marks: &[("–", "a–b: somewhere between the two")],
            sweeps: tasks,
        },
        Group {
            head: "knee",
            about: "the highest rate that is answered about as quickly as lower ones, within half \
                    as long again: beyond it requests wait for each other",
            marks: &[("–", "a–b: somewhere between the two")],
            sweeps: rates,
        },
        Group {
            head: "flat",
            about: "the numbers of workers that are as good as any, within 10 % of the best time",
            marks: &[
                (">", ">a: begins, or time still falls, somewhere above a"),
                ("≤", "≤: or fewer"),
                ("+", "+: or more"),
            ],
            sweeps: workers.collect(),
        },
    ]
}

fn cells(results: &Results, of: impl Fn(&Cell) -> bool) -> Vec<&Cell> {
    let cells = results.cells.iter();
    cells
        .filter(|cell| of(cell) && view::measured(cell))
        .collect()
}

/// `None` with fewer than two numbers of tasks.
fn by_tasks<'a>(name: &str, cells: &[&'a Cell]) -> Option<Sweep<'a>> {
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
fn by_rate<'a>(results: &Results, name: &str, cells: &[&'a Cell]) -> Option<Sweep<'a>> {
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
fn by_workers<'a>(title: &str, cells: &[&'a Cell]) -> Option<Sweep<'a>> {
    let cells: Vec<&'a Cell> = cells
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
pub(crate) struct Line<'a> {
    row: Row<'a>,
    pub(crate) points: Vec<(Point, bool)>,
}

impl Line<'_> {
    pub(crate) fn name(&self) -> String {
        self.row.to_string()
    }

    /// The time with this number, marked if it has no bounds.
    pub(crate) fn time(&self, number: f64) -> String {
        let mut points = self.points.iter();
        let found = points.find(|(point, _)| point.0 == number);
        found.map_or_else(
            || ABSENT.to_owned(),
            |(point, sure)| duration(point.1) + open(*sure),
        )
    }
}

fn open(sure: bool) -> &'static str {
    if sure { "" } else { OPEN }
}

/// The times of contestants over numbers of something. A time without bounds is marked, and so is
/// everything made from it.
pub(crate) struct Sweep<'a> {
    pub(crate) title: String,
    /// The numbers of all lines, in ascending order.
    pub(crate) numbers: Vec<f64>,
    pub(crate) lines: Vec<Line<'a>>,
    /// The head of the last column.
    head: &'static str,
    knee: fn(&[Point]) -> String,
}

impl Sweep<'_> {
    /// The last column of a line.
    pub(crate) fn knee(&self, line: &Line<'_>) -> String {
        let points: Vec<Point> = line.points.iter().map(|(point, _)| *point).collect();
        (self.knee)(&points) + open(line.points.iter().all(|(_, sure)| *sure))
    }

    /// A row for each contestant, a column for each number, and a last one made from the row.
    fn table(&self) -> String {
        let column = |at: &f64| {
            let entries = self.lines.iter().map(|line| line.time(*at));
            [shown(*at)].into_iter().chain(entries).collect()
        };
        let mut columns: Vec<Vec<String>> = self.numbers.iter().map(column).collect();
        let knees = self.lines.iter().map(|line| self.knee(line));
        columns.push([self.head.to_owned()].into_iter().chain(knees).collect());
        let names: Vec<String> = self.lines.iter().map(Line::name).collect();
        wrap("", &self.title) + &in_blocks("model", &names, &columns).join("\n")
    }
}

/// `None` where no contestant was measured with two numbers.
fn sweep<'a>(
    title: &str,
    cells: &[&'a Cell],
    rows: Rows,
    number: impl Fn(&Cell) -> f64,
    (head, knee): (&'static str, fn(&[Point]) -> String),
) -> Option<Sweep<'a>> {
    let several = several_workers(cells);
    let mut lines: Vec<Line<'a>> = Vec::new();
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
    Some(Sweep {
        title: title.to_owned(),
        numbers,
        lines,
        head,
        knee,
    })
}
