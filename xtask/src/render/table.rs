//! One workload: every model, the fastest first.

use super::advice::advice;
use super::grid::Grid;
use super::metrics::metrics;
use super::number::{bounds, bytes, clear_ratio, count, duration, plural, ratio};
use super::served;
use super::text::{list, remark, wrap};
use super::verdict::verdict;
use super::view::{self, Names};
use crate::results::{Cell, Results, Sample, Workload};
use crate::stats::counted;
use crate::text;

/// What the columns mean: printed once, after the last table.
pub fn legend() -> String {
    [
        (
            "time",
            "median of the samples, then the 95 % confidence interval of that median",
        ),
        (
            "to best",
            "time divided by the best one's of the same round; = is not told apart from the best: the 95 % \
             interval of this ratio spans 1",
        ),
        (
            "speed up",
            "time of sequential divided by this one's, of the same round",
        ),
        (
            "?",
            "too few samples for an interval: how much of it is noise is open",
        ),
        ("CPU time", "of the whole tree of processes, median"),
        (
            "peak",
            "of one untimed sample, less what was there after loading",
        ),
        ("switch.", "voluntary and involuntary, median"),
    ]
    .map(|(column, meaning)| wrap(&format!("{column:10}"), meaning))
    .concat()
}

/// The table of the workload at this place of `results.workloads`, and what to conclude from it; empty if there is none.
pub fn table(results: &Results, workload_index: usize) -> String {
    let Some(workload) = results.workloads.get(workload_index) else {
        return String::new();
    };
    let names = Names::new(results);
    let cells = view::cells(results, workload);
    let mut out = heading(workload);
    out.push('\n');

    let mut grid = Grid::default();
    let served = workload.rate.is_some();
    if served {
        grid.row(served::heads());
    } else {
        grid.row(heads());
    }
    let (measured, failed): (Vec<&Cell>, Vec<&Cell>) =
        cells.into_iter().partition(|cell| view::measured(cell));
    for cell in &measured {
        grid.row(if served {
            served::figures(cell, &names)
        } else {
            figures(cell, &names)
        });
    }
    if measured.is_empty() {
        out.push_str("No figures.\n");
    } else {
        out.push_str(&grid.render());
    }

    let notes = notes(results, workload, &names, &measured, &failed);
    if !notes.is_empty() {
        out.push('\n');
        out.push_str(&notes);
    }
    out.push('\n');
    out.push_str(&wrap("- ", &verdict(results, workload)));
    for sentence in advice(results, workload) {
        out.push_str(&wrap("- ", &sentence));
    }
    out
}

fn heads() -> Vec<String> {
    [
        "\nmodel",
        "\ntime",
        "95 %\ninterval",
        "to\nbest",
        "speed\nup",
        "CPU\ntime",
        "peak\nmemory",
        "peak\nthreads",
        "context\nswitch.",
    ]
    .map(String::from)
    .into()
}

fn heading(workload: &Workload) -> String {
    let mut parts = vec![
        text::name(&workload.name),
        text::name(&workload.pattern),
        plural(workload.tasks, "task"),
    ];
    if let (Some(rate), Some(sessions)) = (workload.rate, workload.sessions) {
        parts[2] = format!("{} requests/s", count(rate));
        parts.push(plural(sessions, "session"));
    }
    if !workload.items.is_empty() {
        let items: Vec<String> = workload.items.iter().map(u8::to_string).collect();
        let noun = if items.len() == 1 { "Item" } else { "Items" };
        parts.push(remark(&format!("{noun} {}", items.join(", "))));
    }
    let mut out = wrap("", &parts.join(" · "));
    if !workload.about.is_empty() {
        out.push_str(&wrap("", &remark(&workload.about)));
    }
    out
}

fn figures(cell: &Cell, names: &Names) -> Vec<String> {
    let absent = || "-".to_owned();
    let samples = counted(cell).len();
    let (time, interval) = cell.wall_ns.map_or((absent(), absent()), |wall| {
        let interval = view::bounds(&wall).map(|(low, high)| bounds(wall.median, low, high));
        (
            duration(wall.median),
            interval.unwrap_or_else(|| plural(samples, "sample")),
        )
    });
    let switches = |s: &Sample| s.voluntary_switches.saturating_add(s.involuntary_switches);
    // Nothing runs without any of these: none was told, as by a runner that does not know them.
    let told = counted(cell)
        .iter()
        .any(|s| s.user_ns > 0 || s.system_ns > 0 || switches(s) > 0);
    vec![
        names.cell(cell),
        time,
        interval,
        to_best(cell),
        speed_up(cell),
        view::typical(cell, |sample| sample.cpu_ns)
            .filter(|cpu| told || *cpu > 0.0)
            .map_or_else(absent, duration),
        cell.rss_peak_bytes.map_or_else(absent, bytes),
        cell.threads_peak
            .map_or_else(absent, |threads| count(threads as f64)),
        view::typical(cell, switches)
            .filter(|_| told)
            .map_or_else(absent, count),
    ]
}

/// `best`, `1.02=` for a tie, `1.35`, or `5.12?` where there is no interval to judge by.
pub(super) fn to_best(cell: &Cell) -> String {
    if cell.rank == Some(1) {
        return "best".to_owned();
    }
    let Some(to_best) = cell.ratio_to_best else {
        return "-".to_owned();
    };
    let mark = match (cell.tied_with_best, view::bounds(&to_best)) {
        (Some(true), _) => "=",
        (_, None) => "?",
        _ => "",
    };
    let shown = if mark.is_empty() { clear_ratio } else { ratio };
    format!("{}{mark}", shown(to_best.median))
}

/// `1.99`, or `45.7?` where there is no interval; the baseline itself is 1 without a doubt.
fn speed_up(cell: &Cell) -> String {
    let Some(speedup) = cell.speedup else {
        return "-".to_owned();
    };
    let doubtful =
        view::bounds(&speedup).is_none() && !view::is_baseline(&cell.model, &cell.variant);
    format!(
        "{}{}",
        ratio(speedup.median),
        if doubtful { "?" } else { "" }
    )
}

/// Below the figures: what failed, what was skipped, what has one sample only and why, and the metrics of some.
fn notes(
    results: &Results,
    workload: &Workload,
    names: &Names,
    measured: &[&Cell],
    failed: &[&Cell],
) -> String {
    let mut notes: Vec<(String, String)> = Vec::new();
    for cell in failed {
        notes.push((names.cell(cell), view::failure(cell)));
    }
    for skipped in view::skipped(results, workload) {
        notes.push((
            names.skipped(skipped),
            format!("skipped: {}", remark(&skipped.reason)),
        ));
    }
    let width = notes
        .iter()
        .map(|(name, _)| text::width(name))
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (name, note) in notes {
        if width <= 24 {
            let pad = " ".repeat(width - text::width(&name));
            out.push_str(&wrap(&format!("{name}{pad}  "), &note));
        } else {
            out.push_str(&wrap("", &name));
            out.push_str(&wrap("    ", &note));
        }
    }
    out.push_str(&single(measured, names));
    out.push_str(&metrics(measured, names));
    out
}

/// Who has one sample only, those with the same reason in one sentence.
fn single(measured: &[&Cell], names: &Names) -> String {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for cell in measured.iter().filter(|cell| counted(cell).len() == 1) {
        let reason = cell.note.as_deref().unwrap_or_default();
        let name = names.cell(cell);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, cells)) => cells.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let mut out = String::new();
    for (reason, cells) in reasons {
        let colon = if reason.is_empty() { "" } else { ": " };
        out.push_str(&wrap(
            "1 sample  ",
            &format!("{}{colon}{}", list(&cells), remark(reason)),
        ));
    }
    out
}
