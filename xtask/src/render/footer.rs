//! Warnings about the figures, and the environment that they come from.

use std::collections::HashSet;

use super::number::{bytes, duration, plural};
use super::text::{list, remark, wrap};
use crate::results::Results;

/// A load average above this is not credible.
const MAX_LOAD: f64 = 1e6;

/// The warnings, one to a line or more; an interrupted or cut-down comparison is said first.
pub fn warnings(results: &Results) -> String {
    let mut out = String::new();
    if !results.complete {
        out.push_str(&wrap(
            "INCOMPLETE: ",
            "this comparison was interrupted; what it did not reach is missing here, and the rest \
             has fewer samples than it should.",
        ));
    }
    if results.settings.smoke {
        out.push_str(&wrap(
            "SMOKE: ",
            "tasks were cut to at most 40 to see that everything runs; these are not figures to \
             choose a model by.",
        ));
    }
    let lost = cells_without_table(results);
    if lost > 0 {
        let belong = if lost == 1 { "belongs" } else { "belong" };
        let what = format!(
            "{} {belong} to no table of these results, so that nothing above shows it.",
            plural(lost, "cell")
        );
        out.push_str(&wrap("warning: ", &what));
    }
    for warning in &results.warnings {
        out.push_str(&wrap("warning: ", &remark(warning)));
    }
    out
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
    let mut out = String::new();
    if !results.settings.command.is_empty() {
        out.push_str(&wrap("command   ", &remark(&results.settings.command)));
    }
    out.push_str(&wrap("machine   ", &machine.join(", ")));

    let software = [known(&environment.os), known(&environment.rustc)];
    out.push_str(&wrap("software  ", &software.join(", ")));

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
    out.push_str(&wrap("run       ", &run.join(", ")));
    out
}
