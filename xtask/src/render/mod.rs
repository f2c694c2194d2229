//! Results as text: at most 80 columns, no escape codes, every line ended.
//!
//! All of it is made from the results alone, so that `cargo xtask report` prints what the comparison
//! printed.

mod advice;
mod baseline;
mod blocks;
mod footer;
mod grid;
mod knee;
mod matrix;
mod metrics;
mod number;
mod served;
mod splice;
mod sweep;
mod table;
mod text;
mod verdict;
mod view;

pub use baseline::baseline;
pub use footer::{environment, warnings};
pub use matrix::matrix;
pub use splice::splice;
pub use sweep::sweeps;
pub use table::{legend, table};

use crate::results::Results;

/// All tables, then [`closing`]: what the comparison printed.
pub fn everything(results: &Results, earlier: Option<&Results>) -> String {
    join([figures(results, earlier), environment(results)])
}

/// What follows the last table: legend, matrix, the earlier comparison, warnings and environment.
pub fn closing(results: &Results, earlier: Option<&Results>) -> String {
    join([conclusions(results, earlier), environment(results)])
}

/// [`everything`] but the environment, for where that stands at the head.
pub fn figures(results: &Results, earlier: Option<&Results>) -> String {
    let tables = (0..results.workloads.len()).map(|index| table(results, index));
    join(tables.chain([conclusions(results, earlier)]))
}

fn conclusions(results: &Results, earlier: Option<&Results>) -> String {
    let head = if results.workloads.is_empty() {
        "Nothing was measured.\n".to_owned()
    } else {
        let legend = legend() + &served::legend(results);
        join([legend, matrix(results), sweeps(results)])
    };
    let earlier = earlier.map_or_else(String::new, |earlier| baseline(results, earlier));
    join([head, earlier, warnings(results)])
}

/// With an empty line between the parts that have any.
fn join(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}
