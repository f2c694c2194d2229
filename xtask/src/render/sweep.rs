//! How cost grows: what a comparison over several numbers of tasks or of workers shows beside its tables.

use std::collections::BTreeSet;

use super::blocks::in_blocks;
use super::number::duration;
use super::text::wrap;
use super::view;
use crate::results::{Cell, Results};

/// On logarithmic scales, time in proportion to the tasks rises with slope 1 and time that does not depend on them with 0;
/// time that workers share falls with slope -1. Half-way is where the one turns into the other.
const TURN: f64 = 0.5;

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
            "the most tasks that still cost little more than fewer do: from there on, time grows more in \
             proportion to them than not",
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
            "the highest rate that is answered about as quickly as lower ones: beyond it requests wait for each other",
        ));
    }
    let before = parts.len();
    for workload in &results.workloads {
        let cells = cells(results, |cell| {
            cell.workload == workload.name && cell.tasks == workload.tasks
        });
        let mut title = view::title(results, workload, " with ");
        if title != workload.name && workload.rate.is_none() {
            title.push_str(" tasks");
        }
        parts.extend(by_workers(&title, &cells));
    }
    if parts.len() > before {
        parts.push(wrap(
            "knee      ",
            "the most workers that pay: beyond it, more of them gain less than half of what they could",
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
    let several = several_workers(cells);
    let row = |cell: &Cell| {
        if several && cell.workers > 0 {
            format!("{} ×{}", cell.contestant(), cell.workers)
        } else {
            cell.contestant()
        }
    };
    let title = format!("{name}: time by the number of tasks\n");
    sweep(title, cells, row, |cell| cell.tasks, |slope| slope > TURN)
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
    sweep(
        format!("{name}: p99 of the response by requests a second\n"),
        cells,
        Cell::contestant,
        |cell| rate(results, name, Some(cell.tasks)).unwrap_or(0.0) as usize,
        |slope| slope > TURN,
    )
}

/// `None` where no contestant was measured with two numbers of workers.
fn by_workers(title: &str, cells: &[&Cell]) -> Option<String> {
    let cells: Vec<&Cell> = cells
        .iter()
        .copied()
        .filter(|cell| cell.workers > 0)
        .collect();
    let title = format!("{title}: time by the number of workers\n");
    sweep(
        title,
        &cells,
        Cell::contestant,
        |cell| cell.workers,
        |slope| slope > -TURN,
    )
}

fn several_workers(cells: &[&Cell]) -> bool {
    let workers: BTreeSet<usize> = cells.iter().map(|cell| cell.workers).collect();
    workers.iter().filter(|workers| **workers > 0).count() > 1
}

/// A row for each contestant, a column for each number, and the knee of each row.
fn sweep(
    title: String,
    cells: &[&Cell],
    row: impl Fn(&Cell) -> String,
    number: impl Fn(&Cell) -> usize,
    turns: impl Fn(f64) -> bool,
) -> Option<String> {
    let mut seen: Vec<(String, BTreeSet<usize>)> = Vec::new();
    for cell in cells {
        let name = row(cell);
        match seen.iter_mut().find(|(known, _)| *known == name) {
            Some((_, numbers)) => {
                numbers.insert(number(cell));
            }
            None => seen.push((name, [number(cell)].into())),
        }
    }
    // What was measured once only does not grow.
    seen.retain(|(_, numbers)| numbers.len() > 1);
    let (rows, numbers): (Vec<String>, Vec<BTreeSet<usize>>) = seen.into_iter().unzip();
    if rows.is_empty() {
        return None;
    }
    let numbers: BTreeSet<usize> = numbers.into_iter().flatten().collect();
    let time = |name: &String, at: usize| {
        let cell = cells
            .iter()
            .find(|cell| row(cell) == *name && number(cell) == at)?;
        cell.judged().map(|judged| judged.median)
    };
    let mut columns: Vec<Vec<String>> = Vec::new();
    for at in &numbers {
        let entries = rows
            .iter()
            .map(|name| time(name, *at).map_or_else(absent, duration));
        columns.push([at.to_string()].into_iter().chain(entries).collect());
    }
    let knees = rows.iter().map(|name| {
        let points = numbers
            .iter()
            .filter_map(|at| Some((*at, time(name, *at)?)));
        knee(&points.collect::<Vec<_>>(), &turns)
    });
    columns.push(["knee".to_owned()].into_iter().chain(knees).collect());
    Some(title + &in_blocks(&rows, &columns).join("\n"))
}

fn absent() -> String {
    "·".to_owned()
}

/// The last point before the slope turns; `>N` if it never does, `≤N` if it had turned when the measuring began, unless
/// there is nothing below, and `·` where there is no slope.
fn knee(points: &[(usize, f64)], turns: impl Fn(f64) -> bool) -> String {
    let Some((last, _)) = points.last().filter(|_| points.len() > 1) else {
        return absent();
    };
    let turn = points.windows(2).position(|pair| {
        let [(few, before), (many, after)] = [pair[0], pair[1]];
        turns((after / before).ln() / (many as f64 / few as f64).ln())
    });
    match turn {
        None => format!(">{last}"),
        Some(0) if points[0].0 > 1 => format!("≤{}", points[0].0),
        Some(at) => points[at].0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_of_waits_is_where_their_number_begins_to_cost() {
        let points = [
            (10, 8.1e6),
            (100, 8.3e6),
            (1000, 10.0e6),
            (10_000, 62.0e6),
            (100_000, 601.0e6),
        ];
        assert_eq!(knee(&points, |slope| slope > TURN), "1000");
        assert_eq!(knee(&points[..3], |slope| slope > TURN), ">1000");
        assert_eq!(knee(&points[3..], |slope| slope > TURN), "≤10000");
        assert_eq!(knee(&points[..1], |slope| slope > TURN), "·");
    }

    #[test]
    fn the_knee_of_workers_is_where_more_of_them_stop_to_pay() {
        let points = [(1, 100.0), (2, 51.0), (4, 50.0), (8, 49.0)];
        assert_eq!(knee(&points, |slope| slope > -TURN), "2");
        let points = [(1, 100.0), (2, 51.0), (4, 26.0)];
        assert_eq!(knee(&points, |slope| slope > -TURN), ">4");
        let points = [(1, 100.0), (2, 120.0)];
        assert_eq!(knee(&points, |slope| slope > -TURN), "1");
    }
}
