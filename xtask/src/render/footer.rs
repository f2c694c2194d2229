//! Warnings about the figures, and the environment that they come from.

use std::collections::HashSet;

use super::number::{bytes, duration, percent, plural};
use super::race::Race;
use super::text::{clipped, list, remark, wrap};
use super::verdict::total_ns;
use super::view;
use crate::results::{Price, Results, Verdict};
use crate::text::{cut, name};

/// A load average above this is not credible.
const MAX_LOAD: f64 = 1e6;

/// The warnings, one to a line or more; an interrupted or cut-down comparison is said first.
pub fn warnings(results: &Results) -> String {
    let said = cautions(results).into_iter();
    said.map(|(head, text)| wrap(head, &text)).collect()
}

/// The first word of a warning.
pub(super) const WARNING: &str = "warning: ";

/// Each warning with its first word.
pub(crate) fn cautions(results: &Results) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    if !results.complete {
        let what = "this comparison was interrupted; what it did not reach is missing here, and \
                    the rest has fewer samples than it should.";
        said.push(("INCOMPLETE: ", what.to_owned()));
    }
    if results.settings.smoke {
        let what = "tasks were cut to at most 40 to see that everything runs; these are not \
                    figures to choose a model by.";
        said.push(("SMOKE: ", what.to_owned()));
    }
    let lost = cells_without_table(results);
    if lost > 0 {
        let belong = if lost == 1 { "belongs" } else { "belong" };
        let what = format!(
            "{} {belong} to no table of these results, so that nothing above shows it.",
            plural(lost, "cell")
        );
        said.push((WARNING, what));
    }
    let warnings = results.warnings.iter();
    said.extend(warnings.map(|warning| (WARNING, remark(warning))));
    said
}

/// At most this many warnings, and as many failures, stand in the answer.
const BRIEF: usize = 3;

/// The same for the answer: what was interrupted, what failed, and warnings, a line each.
pub(crate) fn briefly(results: &Results) -> String {
    let mut out = String::new();
    if !results.complete {
        out.push_str(&wrap("INCOMPLETE: ", "this comparison was interrupted."));
    }
    let failed = results.cells.iter().filter(|cell| !view::measured(cell));
    let failed = failed.map(|cell| {
        let contestant = [name(&cell.workload), name(&cell.contestant())].join(" ");
        format!("{contestant}: {}", view::failure(cell))
    });
    out.push_str(&some(failed.collect()));
    let lost = cells_without_table(results);
    let lost = (lost > 0).then(|| format!("{} belong to no table", plural(lost, "cell")));
    let warnings = lost.into_iter().chain(results.warnings.iter().cloned());
    out.push_str(&some(
        warnings.map(|text| format!("warning: {text}")).collect(),
    ));
    out
}

/// The first few of these lines, and how many more there are.
fn some(lines: Vec<String>) -> String {
    let mut out = String::new();
    let shown = if lines.len() > BRIEF {
        BRIEF - 1
    } else {
        BRIEF
    };
    for line in lines.iter().take(shown) {
        out.push_str(&clipped(&remark(line)));
    }
    if lines.len() > shown {
        let more = lines.len() - shown;
        out.push_str(&format!("and {more} more: see the details\n"));
    }
    out
}

/// How much of what was to be measured was measured and decided, and what deciding the rest takes.
pub(crate) fn coverage(results: &Results, races: &[Race<'_>]) -> String {
    let parts = decided(results, races).into_iter();
    parts
        .map(|(head, text)| wrap(&format!("{head:10}"), &text))
        .collect()
}

/// The same, each part with its heading.
pub(crate) fn decided(results: &Results, races: &[Race<'_>]) -> Vec<(&'static str, String)> {
    let rows = || races.iter().flat_map(|race| &race.rows);
    let measured = rows().count();
    let all = results.cells.len() + results.skipped.len();
    let with = |of: &[Verdict]| rows().filter(|row| of.contains(&row.verdict)).count();
    let (nearly, open) = (with(&[Verdict::FastWithin10]), with(&[Verdict::Open]));
    let mut parts = vec![format!("{measured} of {}", plural(all, "cell"))];
    let failed: usize = races.iter().map(|race| race.failed.len()).sum();
    if failed > 0 {
        parts.push(plural(failed, "error"));
    }
    if !results.skipped.is_empty() {
        parts.push(format!("{} skipped", results.skipped.len()));
    }
    let margin = results.settings.margin();
    if measured > 0 {
        let decided = measured - nearly - open;
        let share = 100 * decided / measured;
        parts.push(format!(
            "{decided} decided at {} ({share} %)",
            percent(margin)
        ));
    }
    if nearly > 0 {
        parts.push(format!("{nearly} within {}", percent(2.0 * margin)));
    }
    let mut said = vec![("measured", parts.join(", "))];
    if open > 0 {
        let undecided = rows().filter(|row| row.verdict == Verdict::Open);
        let prices: Vec<Price> = undecided.filter_map(|row| row.price).collect();
        let unknown = match open - prices.len() {
            0 => String::new(),
            n => format!("; {n} too close to the margin to price"),
        };
        let cost = match prices.is_empty() {
            true => String::new(),
            false => format!(", about {} to decide", duration(total_ns(&prices))),
        };
        said.push(("open", format!("{}{cost}{unknown}", plural(open, "cell"))));
    }
    said
}

/// The machine and the run in a line.
pub(crate) fn run(results: &Results) -> String {
    let environment = &results.environment;
    let mut parts = Vec::new();
    if !environment.started.is_empty() {
        parts.push(cut(&environment.started, 24));
    }
    parts.push(format!(
        "budget {}",
        duration(results.settings.budget_ns as f64)
    ));
    parts.extend(floor(results));
    let load = environment.load_average;
    if (0.0..MAX_LOAD).contains(&load) {
        parts.push(format!("load {load:.2}"));
    }
    if environment.cpus > 0 {
        parts.push(plural(environment.cpus, "processor"));
    }
    if !environment.cpu.is_empty() {
        parts.push(remark(&environment.cpu));
    }
    clipped(&format!("run       {}", parts.join(", ")))
}

/// When and where it ran, in a few words.
pub(crate) fn occasion(results: &Results) -> String {
    let environment = &results.environment;
    let day = environment.started.replacen('T', " ", 1);
    let mut parts = vec![
        "cargo xtask compare".to_owned(),
        cut(&day, 24),
        cut(&environment.cpu, 48),
    ];
    if environment.cpus > 0 {
        parts.push(plural(environment.cpus, "processor"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// The smallest difference that the machine can tell apart, by its calibration.
fn floor(results: &Results) -> Option<String> {
    let floor = results.settings.floor?;
    (0.0..=1.0)
        .contains(&floor)
        .then(|| format!("floor {:.1} %", floor * 100.0))
}

/// A comparison leaves no such cells, but an edited file may.
fn cells_without_table(results: &Results) -> usize {
    let tables = results.workloads.iter();
    let tables: HashSet<(&str, usize)> = tables
        .map(|table| (table.name.as_str(), table.tasks))
        .collect();
    let cells = results.cells.iter();
    cells
        .filter(|cell| !tables.contains(&(cell.workload.as_str(), cell.tasks)))
        .count()
}

/// The command, the machine, the compiler, the date and the settings.
pub fn environment(results: &Results) -> String {
    let facts = facts(results).into_iter();
    facts
        .map(|(head, text)| wrap(&format!("{head:10}"), &text))
        .collect()
}

/// The same, each part with its heading.
pub(crate) fn facts(results: &Results) -> Vec<(&'static str, String)> {
    let environment = &results.environment;
    let known = |text: &str| {
        if text.is_empty() {
            "unknown".to_owned()
        } else {
            remark(text)
        }
    };
    let mut machine = vec![format!("cpu {}", known(&environment.cpu))];
    if environment.cpus > 0 {
        machine.push(plural(environment.cpus, "processor"));
    }
    if environment.memory_bytes > 0 {
        machine.push(bytes(environment.memory_bytes));
    }
    let load = environment.load_average;
    if (0.0..MAX_LOAD).contains(&load) {
        machine.push(format!("load {load:.2}"));
    }
    let mut facts = Vec::new();
    if !results.settings.command.is_empty() {
        facts.push(("command", remark(&results.settings.command)));
    }
    facts.push(("machine", machine.join(", ")));

    let software = [known(&environment.os), known(&environment.rustc)];
    facts.push(("software", software.join(", ")));

    let settings = &results.settings;
    let mut run = vec![known(&environment.started)];
    run.push(format!("budget {}", duration(settings.budget_ns as f64)));
    if !settings.workers.is_empty() {
        let workers: Vec<String> = settings.workers.iter().map(usize::to_string).collect();
        run.push(format!("workers {}", remark(&list(&workers))));
    }
    if let Some(seed) = settings.seed {
        run.push(format!("seed {seed}"));
    }
    if environment.iterations_per_us > 0 {
        run.push(format!("{} iterations/µs", environment.iterations_per_us));
    }
    if settings.smoke {
        run.push("smoke".to_owned());
    }
    if !results.complete {
        run.push("incomplete".to_owned());
    }
    facts.push(("run", run.join(", ")));
    if let (Some(floor), Some(day)) = (floor(results), &settings.calibrated) {
        let what = format!("{floor}, by the calibration of {}", remark(day));
        facts.push(("machine", what));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{SCHEMA, Settings};

    #[test]
    fn a_floor_is_quoted_with_its_calibration() {
        let mut results = Results {
            schema: SCHEMA,
            complete: true,
            environment: Default::default(),
            settings: Settings {
                floor: Some(0.018),
                calibrated: Some("2026-01-02T03:04:05Z".into()),
                ..Settings::default()
            },
            workloads: Vec::new(),
            cells: Vec::new(),
            skipped: Vec::new(),
            warnings: Vec::new(),
        };
        assert!(run(&results).contains("floor 1.8 %"));
        let quoted = "floor 1.8 %, by the calibration of 2026-01-02T03:04:05Z";
        assert!(environment(&results).contains(quoted));
        results.settings.floor = Some(f64::NAN);
        assert!(!run(&results).contains("floor"));
        results.settings = Settings::default();
        assert!(!environment(&results).contains("calibration"));
    }
}
