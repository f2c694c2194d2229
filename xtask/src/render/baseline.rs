//! This comparison against an earlier one.

use super::grid::Grid;
use super::number::{duration, percent, plural, ratio};
use super::text::{list, remark, wrap};
use super::view::{self, Names};
use crate::baseline::{Change, Changes, Finding, Missing, common, compared};
use crate::results::{Cell, Results};
use crate::text::name;

/// The changes beyond noise; then every cell that both have: how long it takes now, divided by how
/// long it took then.
///
/// The two share no rounds, so the interval is that of two independent sets of lives: see
/// [`two_runs`](crate::stats::two_runs).
pub fn baseline(results: &Results, baseline: &Results) -> String {
    let changes = compared(results, baseline);
    let mut out = wrap(
        "",
        "Against the earlier comparison: time now, divided by time then",
    );
    out.push_str(&wrap("then      ", &then(baseline)));
    for doubt in cautions(results, baseline, &changes) {
        out.push_str(&wrap("warning: ", &doubt));
    }
    out.push_str(&clear(results, &changes));
    let mut compared = 0;
    for table in &changes {
        let title = view::title(results, table.workload, " ");
        if table.missing == Some(Missing::OtherInputs) {
            out.push_str(&wrap(
                "warning: ",
                &format!(
                    "{title} had other inputs then (its digest differs), and is left out; \
                     repeat the earlier --seed and --iterations-per-us to compare it."
                ),
            ));
        }
        if table.rows.is_empty() {
            continue;
        }
        compared += table.rows.len();
        let names = Names::of(results, table.workload);
        let mut grid = Grid::default();
        let head = [title.as_str(), "then", "now", "ratio", "interval", ""];
        grid.row(head.map(str::to_owned).into());
        for change in &table.rows {
            let name = names.cell(change.now);
            let figures = figures(change, results.settings.margin());
            grid.row([name].into_iter().chain(figures).collect());
        }
        out.push('\n');
        out.push_str(&grid.render());
    }
    if compared == 0 {
        out.push_str("No cell has figures in both.\n");
    } else {
        out.push('\n');
        out.push_str(&wrap("", &method(results, compared)));
    }
    out
}

/// The extent of the comparison, and the meaning of the interval.
pub(crate) fn method(results: &Results, compared: usize) -> String {
    format!(
        "{compared} of {} compared. The interval holds the ratio with 95 % confidence, by the \
         medians of lives, or for cells with few samples what those allow; the whole of it has to \
         lie beyond {} for slower or faster. It allows for the spread of either run, not for what \
         changed on the machine between them.",
        plural(results.cells.len(), "cell"),
        percent(results.settings.margin().max(results.settings.floor()))
    )
}

/// The table of what changed beyond noise; a sentence where nothing did.
fn clear(results: &Results, changes: &[Changes<'_>]) -> String {
    let clear = clear_rows(results, changes);
    let compared: usize = changes.iter().map(|table| table.rows.len()).sum();
    if compared == 0 {
        return String::new();
    }
    if clear.is_empty() {
        return wrap("", "Nothing changed beyond noise.");
    }
    let mut grid = Grid::default();
    let head = [
        "changed beyond noise",
        "then",
        "now",
        "ratio",
        "interval",
        "",
    ];
    grid.row(head.map(str::to_owned).into());
    for row in clear {
        grid.row(row);
    }
    format!("\n{}", grid.render())
}

/// A row for each change beyond noise: workload and contestant, then the figures.
pub(crate) fn clear_rows(results: &Results, changes: &[Changes<'_>]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in changes {
        let title = view::title(results, table.workload, " ");
        let names = Names::of(results, table.workload);
        for change in table.rows.iter().filter(|change| change.finding.is_clear()) {
            let name = format!("{title} {}", names.cell(change.now));
            let figures = figures(change, results.settings.margin());
            rows.push([name].into_iter().chain(figures).collect());
        }
    }
    rows
}

/// When and how the earlier comparison was made.
pub(crate) fn then(baseline: &Results) -> String {
    let mut then = vec![
        remark(&baseline.environment.started),
        remark(&baseline.settings.command),
    ];
    then.retain(|part| !part.is_empty());
    if !baseline.complete {
        then.push("INCOMPLETE".to_owned());
    }
    if then.is_empty() {
        "undated".to_owned()
    } else {
        then.join(", ")
    }
}

/// The reasons for caution, a sentence each.
pub(crate) fn cautions(
    results: &Results,
    baseline: &Results,
    changes: &[Changes<'_>],
) -> Vec<String> {
    let doubts = baseline.doubts().into_iter();
    let mut cautions: Vec<String> = doubts.map(|doubt| format!("{doubt}.")).collect();
    cautions.extend(differences(results, baseline));
    cautions.extend(common(changes, &results.settings).map(|factor| {
        format!(
            "the typical cell takes {} times as long as then: that is likely the machine, and no \
             single model.",
            ratio(factor)
        )
    }));
    cautions
}

/// All that differs between the two machines, if anything does.
fn differences(results: &Results, baseline: &Results) -> Option<String> {
    let (now, then) = (&results.environment, &baseline.environment);
    let mut differ = Vec::new();
    let mut check = |what: &str, now: &str, then: &str| {
        if now != then {
            differ.push(format!(
                "{} ({}, now {})",
                remark(what),
                remark(then),
                remark(now)
            ));
        }
    };
    check("cpu", &now.cpu, &then.cpu);
    check("processors", &now.cpus.to_string(), &then.cpus.to_string());
    check(
        "memory",
        &now.memory_bytes.to_string(),
        &then.memory_bytes.to_string(),
    );
    check("system", &now.os, &then.os);
    check("compiler", &now.rustc, &then.rustc);
    for (model, version) in &now.versions {
        if let Some(before) = then.versions.get(model) {
            check(model, version, before);
        }
    }
    (!differ.is_empty()).then(|| format!("not all else was equal: {}.", list(&differ)))
}

fn word(finding: Finding, margin: f64) -> String {
    match finding {
        Finding::Faster => "faster".to_owned(),
        Finding::Slower => "slower".to_owned(),
        Finding::Same => format!("same within {}", percent(margin)),
        Finding::Nearly => format!("same within {}", percent(2.0 * margin)),
        Finding::Open => "open".to_owned(),
        Finding::TooFew => "open: too few samples".to_owned(),
    }
}

/// Time then, time now, the ratio, its interval, and what it shows.
pub(crate) fn figures(change: &Change<'_>, margin: f64) -> [String; 5] {
    let time = |cell: &Cell| {
        let judged = cell.judged();
        judged.map_or("-".to_owned(), |wall| duration(wall.median))
    };
    let interval = view::bounds(&change.two.ratio);
    [
        time(change.then),
        time(change.now),
        ratio(change.two.ratio.median),
        interval.map_or("-".to_owned(), |(low, high)| {
            format!("{}–{}", ratio(low), ratio(high))
        }),
        word(change.finding, margin),
    ]
}

/// A change in a few words: the cell, the ratio, its interval.
pub(crate) fn in_words(change: &Change<'_>) -> String {
    let workload = name(&change.now.workload);
    let contestant = name(&change.now.contestant());
    let bounds = view::bounds(&change.two.ratio);
    let bounds = bounds.map_or_else(String::new, |(low, high)| {
        format!(" [{} to {}]", ratio(low), ratio(high))
    });
    let times = ratio(change.two.ratio.median);
    format!("{workload} {contestant}: {times} times as long{bounds}")
}

/// How many cells are slower, faster, the same, or open.
pub(crate) fn counts(changes: &[Changes<'_>]) -> String {
    let rows = || changes.iter().flat_map(|table| &table.rows);
    let count = |of: &[Finding]| rows().filter(|row| of.contains(&row.finding)).count();
    let lost: usize = changes.iter().map(|table| table.lost.len()).sum();
    let lost = match lost {
        0 => String::new(),
        lost => format!(", {lost} now too slow to be measured"),
    };
    format!(
        "{} compared, {} slower, {} faster, {} the same, {} open{lost}",
        plural(rows().count(), "cell"),
        count(&[Finding::Slower]),
        count(&[Finding::Faster]),
        count(&[Finding::Same, Finding::Nearly]),
        count(&[Finding::Open, Finding::TooFew]),
    )
}

/// The counts and the first that are slower: for the answer.
pub(crate) fn briefly(results: &Results, baseline: &Results) -> String {
    let changes = compared(results, baseline);
    let said = format!(
        "Against the earlier comparison ({}): {}",
        then(baseline),
        counts(&changes)
    );
    let mut out = wrap("", &said);
    let rows = changes.iter().flat_map(|table| &table.rows);
    let slower = rows.filter(|row| row.finding == Finding::Slower);
    for change in slower.take(3) {
        out.push_str(&wrap("slower    ", &in_words(change)));
    }
    for doubt in cautions(results, baseline, &changes) {
        out.push_str(&wrap("warning: ", &doubt));
    }
    out
}
