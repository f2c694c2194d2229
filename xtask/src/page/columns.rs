//! The columns of figures of one workload, with the values that they are sorted by.

use crate::render::marks;
use crate::render::number::{count, duration};
use crate::render::race::{Race, Standing};
use crate::render::view::{self, Names};
use crate::render::{served, table};
use crate::results::Sample;

/// Stands where a cell has no such figure.
const ABSENT: &str = "-";

/// A figure as it is shown, and its value.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) text: String,
    pub(super) value: Option<f64>,
}

/// A column: an entry for each row of the race.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    /// The head in full.
    pub(super) about: &'static str,
    pub(super) entries: Vec<Figure>,
}

/// The columns in which any row has a figure. The texts are those of the table on a terminal.
pub(super) fn columns(race: &Race<'_>, names: &Names<'_>, is_served: bool) -> Vec<Column> {
    let texts: Vec<Vec<String>> = race
        .rows
        .iter()
        .map(|row| {
            let to_best = marks::to_best(row, race.is_winner(row));
            match is_served {
                true => served::figures(row.cell, names, to_best),
                false => table::figures(row, names, to_best),
            }
        })
        .collect();
    let heads = if is_served { SERVED } else { PLAIN };
    let shown = heads.iter().map(|head| Column {
        head: head.head,
        about: head.about,
        entries: race
            .rows
            .iter()
            .zip(&texts)
            .map(|(row, texts)| {
                let text = texts[head.place].clone();
                let value = (head.value)(row).filter(|_| text != ABSENT);
                Figure { text, value }
            })
            .collect(),
    });
    let others = OTHERS
        .iter()
        .chain(metrics_of(is_served))
        .map(|other| Column {
            head: other.head,
            about: other.about,
            entries: race
                .rows
                .iter()
                .map(|row| figure((other.value)(row), other.number))
                .collect(),
        });
    let mut columns: Vec<Column> = shown.chain(others).collect();
    columns.retain(|column| column.entries.iter().any(|entry| entry.text != ABSENT));
    columns
}

fn figure(value: Option<f64>, number: fn(f64) -> String) -> Figure {
    Figure {
        text: value.map_or_else(|| ABSENT.to_owned(), number),
        value,
    }
}

/// A column that the table on a terminal has at this place.
struct Head {
    place: usize,
    head: &'static str,
    about: &'static str,
    value: fn(&Standing<'_>) -> Option<f64>,
}

const fn head(
    place: usize,
    head: &'static str,
    about: &'static str,
    value: fn(&Standing<'_>) -> Option<f64>,
) -> Head {
    Head {
        place,
        head,
        about,
        value,
    }
}

fn judged(row: &Standing<'_>) -> Option<f64> {
    row.cell.judged().map(|judged| judged.median)
}

/// Wide intervals are found by sorting: the width as a part of the median.
fn spread(row: &Standing<'_>) -> Option<f64> {
    let judged = row.cell.judged()?;
    let (low, high) = view::bounds(&judged)?;
    Some((high - low) / judged.median)
}

fn speed_up(row: &Standing<'_>) -> Option<f64> {
    row.cell.speedup.map(|speedup| speedup.median)
}

fn cpu(row: &Standing<'_>) -> Option<f64> {
    view::typical(row.cell, |sample| sample.cpu_ns)
}

fn memory(row: &Standing<'_>) -> Option<f64> {
    row.cell.rss_peak_bytes.map(|bytes| bytes as f64)
}

fn threads(row: &Standing<'_>) -> Option<f64> {
    row.cell.threads_peak.map(|threads| threads as f64)
}

fn switches(row: &Standing<'_>) -> Option<f64> {
    let both = |s: &Sample| s.voluntary_switches.saturating_add(s.involuntary_switches);
    view::typical(row.cell, both)
}

const TIME: &str = "Median time of a sample";
const INTERVAL: &str = "95 % confidence interval of that median; sorted by its relative width";
const CPU: &str = "CPU time of the whole tree of processes, median";
const MEMORY: &str =
    "Peak memory of the whole tree of processes, less what was there after loading";
const THREADS: &str =
    "Peak number of threads of the whole tree of processes, less the runner's own";
const SWITCHES: &str = "Context switches, voluntary and involuntary, median";

const PLAIN: &[Head] = &[
    head(1, "time", TIME, judged),
    head(2, "interval", INTERVAL, spread),
    head(
        4,
        "speed-up",
        "Time of sequential divided by this one's, of the same round",
        speed_up,
    ),
    head(5, "CPU", CPU, cpu),
    head(6, "memory", MEMORY, memory),
    head(7, "threads", THREADS, threads),
    head(8, "switches", SWITCHES, switches),
];

const SERVED: &[Head] = &[
    head(
        2,
        "p99",
        "Time within which 99 of 100 requests were answered, counted from when they were due",
        judged,
    ),
    head(3, "interval", INTERVAL, spread),
    head(6, "CPU", CPU, cpu),
    head(7, "memory", MEMORY, memory),
    head(8, "threads", THREADS, threads),
];

/// A column that the table on a terminal has no room for.
struct Other {
    head: &'static str,
    about: &'static str,
    value: fn(&Standing<'_>) -> Option<f64>,
    number: fn(f64) -> String,
}

const OTHERS: &[Other] = &[Other {
    head: "processes",
    about: "Peak number of processes, the runner included",
    value: |row| row.cell.processes_peak.map(|processes| processes as f64),
    number: count,
}];

const COMPLETIONS: &[Other] = &[
    Other {
        head: "half done",
        about: "Completion latency: when half of the tasks of an untimed sample were done",
        value: |row| view::metric(row.cell, "completion_p50_ns"),
        number: duration,
    },
    Other {
        head: "99 % done",
        about: "Completion latency: when 99 of 100 tasks of an untimed sample were done",
        value: |row| view::metric(row.cell, "completion_p99_ns"),
        number: duration,
    },
];

/// Requests are answered one by one: their latencies have a table of their own.
fn metrics_of(is_served: bool) -> &'static [Other] {
    if is_served { &[] } else { COMPLETIONS }
}
