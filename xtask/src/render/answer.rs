//! The answer of a full comparison, on one screen.

use super::baseline;
use super::choice::choices;
use super::footer::{briefly, coverage, run};
use super::matrix::matrix_of;
use super::race::Race;
use super::sweep::sweeps;
use super::text::wrap;
use crate::results::Results;

/// The matrix, which model for which kind of work, what is open, warnings, and where the details
/// are. Together with a [line](super::line) for each of the project's own 15 workloads it takes at
/// most 60 lines.
pub fn answer(results: &Results, earlier: Option<&Results>) -> String {
    let races = Race::all(results);
    let mut out = conclusions(results, &races);
    let sweeps = sweeps(results);
    if !sweeps.is_empty() {
        out.push_str(&format!("\n{sweeps}"));
    }
    if let Some(earlier) = earlier {
        out.push('\n');
        out.push_str(&baseline::briefly(results, earlier));
    }
    out.push_str(&briefly(results));
    out.push_str(&run(results));
    out.push_str(&wrap(
        "details   ",
        "`cargo xtask report RESULTS.json --details`; docs/measuring.md",
    ));
    out
}

/// The matrix, the choice for each kind of work, and how much of it is decided.
pub(super) fn conclusions(results: &Results, races: &[Race<'_>]) -> String {
    let mut parts = vec![matrix_of(results, races), choices(results, races)];
    parts.retain(|part| !part.is_empty());
    let mut out = parts.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&coverage(results, races));
    out
}
