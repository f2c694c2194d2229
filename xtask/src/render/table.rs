//! One workload: every model, the fastest first.

use super::advice::advice;
use super::grid::Grid;
use super::marks;
use super::metrics::metrics;
use super::number::{bounds, bytes, count, duration, plural};
use super::race::{Race, Standing};
use super::served;
use super::text::{list, remark, wrap};
use super::verdict::verdict;
use super::view::{self, Names};
use crate::results::{Cell, Results, Sample, Workload};
use crate::stats::counted;
use crate::text;

/// The table of the workload at this place of `results.workloads`, and what to conclude from it;
/// empty if there is none.
pub fn table(results: &Results, workload_index: usize) -> String {
    let Some(workload) = results.workloads.get(workload_index) else {
        return String::new();
    };
    let names = Names::of(results, workload);
    let race = Race::of(results, workload);
    let mut out = heading(workload);
    out.push('\n');

    let mut grid = Grid::default();
    let served = workload.rate.is_some();
    if served {
        grid.row(served::heads());
    } else {
        grid.row(heads());
    }
    for row in &race.rows {
        grid.row(self::row(row, &race, &names, served));
    }
    if race.rows.is_empty() {
        out.push_str("No figures.\n");
    } else {
        out.push_str(&grid.render());
    }

    let measured: Vec<&Cell> = race.rows.iter().map(|row| row.cell).collect();
    let notes = notes(results, workload, &names, &measured, &race.failed);
    if !notes.is_empty() {
        out.push('\n');
        out.push_str(&notes);
    }
    out.push('\n');
    out.push_str(&wrap("- ", &verdict(results, workload, &race)));
    for sentence in advice(results, workload, &race) {
        out.push_str(&wrap("- ", &sentence));
    }
    out
}

/// The name and the figures of a row, under [`heads`] or those of a server.
pub(super) fn row(
    row: &Standing<'_>,
    race: &Race<'_>,
    names: &Names<'_>,
    is_served: bool,
) -> Vec<String> {
    let to_best = marks::to_best(row, race.is_winner(row));
    if is_served {
        served::figures(row.cell, names, to_best)
    } else {
        figures(row, names, to_best)
    }
}

pub(super) fn heads() -> Vec<String> {
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

/// The pattern of a workload, its size and its Items.
pub(crate) fn particulars(workload: &Workload) -> Vec<String> {
    let mut parts = vec![
        text::name(&workload.pattern),
        plural(workload.tasks, "task"),
    ];
    if let (Some(rate), Some(sessions)) = (workload.rate, workload.sessions) {
        parts[1] = format!("{} requests/s", count(rate));
        parts.push(plural(sessions, "session"));
    }
    if !workload.items.is_empty() {
        let items: Vec<String> = workload.items.iter().map(u8::to_string).collect();
        let noun = if items.len() == 1 { "Item" } else { "Items" };
        parts.push(remark(&format!("{noun} {}", items.join(", "))));
    }
    parts
}

fn heading(workload: &Workload) -> String {
    let name = text::name(&workload.name);
    let parts: Vec<String> = [name].into_iter().chain(particulars(workload)).collect();
    let mut out = wrap("", &parts.join(" · "));
    if !workload.about.is_empty() {
        out.push_str(&wrap("", &remark(&workload.about)));
    }
    out
}

/// The row of a contestant, in the order of [`heads`].
pub(crate) fn figures(row: &Standing<'_>, names: &Names<'_>, to_best: String) -> Vec<String> {
    let cell = row.cell;
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
        to_best,
        marks::speed_up(row),
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

/// Below the figures: what failed, what was skipped, what has one sample only and why, and the
/// metrics of some.
fn notes(
    results: &Results,
    workload: &Workload,
    names: &Names<'_>,
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
    out.push_str(&functions(measured, names));
    out.push_str(&metrics(measured, names));
    out
}

/// Which form of a job's function was called, where it is not `run` on the model's own workers.
fn functions(measured: &[&Cell], names: &Names<'_>) -> String {
    let mut forms: Vec<(&str, Vec<String>)> = Vec::new();
    for cell in measured {
        let Some(form) = cell.function.as_deref() else {
            continue;
        };
        let name = names.cell(cell);
        match forms.iter_mut().find(|(known, _)| *known == form) {
            Some((_, cells)) => cells.push(name),
            None => forms.push((form, vec![name])),
        }
    }
    let mut out = String::new();
    for (form, cells) in forms {
        let what = format!("{}: {}", remark(form), list(&cells));
        out.push_str(&wrap("calls     ", &what));
    }
    out
}

fn single(measured: &[&Cell], names: &Names<'_>) -> String {
    let notes = singles(measured, names).into_iter();
    notes.map(|note| wrap("1 sample  ", &note)).collect()
}

/// The contestants with one sample only, those with the same reason in one sentence.
pub(crate) fn singles(measured: &[&Cell], names: &Names<'_>) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for cell in measured.iter().filter(|cell| counted(cell).len() == 1) {
        let reason = cell.note.as_deref().unwrap_or_default();
        let name = names.cell(cell);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, cells)) => cells.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let notes = reasons.into_iter().map(|(reason, cells)| {
        let colon = if reason.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", list(&cells), remark(reason))
    });
    notes.collect()
}
