//! The answer of a smoke run: everything ran and agreed.

use std::collections::BTreeSet;

use super::number::plural;
use super::text::{clipped, remark, wrap};
use super::view;
use crate::results::{Cell, Results};
use crate::text::name;

/// How much ran, then a line for each cell that failed or was skipped. No figure: a smoke run's are
/// not for quoting.
pub fn smoke(results: &Results) -> String {
    let (measured, failed): (Vec<&Cell>, Vec<&Cell>) =
        results.cells.iter().partition(|cell| view::measured(cell));
    let models: BTreeSet<&str> = results.cells.iter().map(|c| c.model.as_str()).collect();
    let samples: usize = measured.iter().map(|cell| cell.samples.len()).sum();
    let ran = format!(
        "{} on {}: {} and {}",
        plural(models.len(), "model"),
        plural(results.workloads.len(), "workload"),
        plural(results.cells.len(), "cell"),
        plural(samples, "sample"),
    );
    let verdict = match (failed.len(), results.complete) {
        (_, false) => "INCOMPLETE, since it was interrupted".to_owned(),
        (0, true) if measured.is_empty() => "nothing was measured".to_owned(),
        (0, true) => "all ran, and all answers agree".to_owned(),
        (some, true) => format!("{} failed", plural(some, "cell")),
    };
    let mut out = wrap("smoke     ", &format!("{ran}; {verdict}."));
    for cell in failed {
        let contestant = format!("{} {}", name(&cell.workload), name(&cell.contestant()));
        out.push_str(&one_line(&contestant, &view::failure(cell)));
    }
    for skipped in &results.skipped {
        let contestant = format!("{} {}", name(&skipped.workload), name(&skipped.model));
        let reason = format!("skipped: {}", skipped.reason);
        out.push_str(&one_line(&contestant, &reason));
    }
    for warning in &results.warnings {
        out.push_str(&one_line("warning", warning));
    }
    out
}

fn one_line(head: &str, text: &str) -> String {
    clipped(&remark(&format!("{head}: {text}")))
}
