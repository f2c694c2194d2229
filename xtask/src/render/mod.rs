//! Results as text, every line ended: in 80 columns without escape codes, or on another [`Page`].
//!
//! All of it is made from the results alone, so that `cargo xtask report` prints what the
//! comparison printed.

pub(crate) mod advice;
mod answer;
pub(crate) mod baseline;
mod blocks;
pub(crate) mod choice;
mod csv;
pub(crate) mod footer;
mod gate;
mod grid;
mod item;
pub(crate) mod kind;
mod knee;
mod line;
mod markdown;
pub(crate) mod marks;
pub(crate) mod matrix;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod number;
mod page;
mod picture;
pub(crate) mod race;
pub(crate) mod served;
mod shared;
mod smoke;
mod splice;
pub(crate) mod sweep;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod verdict;
pub(crate) mod view;

pub use answer::answer;
pub use baseline::baseline;
pub use csv::csv;
pub use footer::{environment, warnings};
pub use gate::gate;
pub use item::item;
pub use line::line;
pub use markdown::markdown;
pub use marks::legend;
pub use matrix::matrix;
pub use page::{Page, on_page};
pub use picture::picture;
pub use smoke::smoke;
pub use splice::splice;
pub use sweep::sweeps;
pub use table::table;

use crate::results::Results;
use answer::conclusions;
use race::Race;

/// All tables, then [`closing`]: the details of a comparison.
pub fn everything(results: &Results, earlier: Option<&Results>) -> String {
    let tables = (0..results.workloads.len()).map(|index| table(results, index));
    join(tables.chain([closing(results, earlier)]))
}

/// A [`line()`] for each workload, then the [`answer`].
pub fn lines_and_answer(results: &Results, earlier: Option<&Results>) -> String {
    let lines = (0..results.workloads.len()).map(|index| line(results, index));
    join([lines.collect(), answer(results, earlier)])
}

/// The part after the last table: legend, conclusions where there are several tables, sweeps, the
/// earlier comparison, warnings and environment.
pub fn closing(results: &Results, earlier: Option<&Results>) -> String {
    let head = match results.workloads.len() {
        0 => "Nothing was measured.\n".to_owned(),
        1 => join([legend(results), sweeps(results)]),
        _ => join([
            legend(results),
            conclusions(results, &Race::all(results)),
            sweeps(results),
        ]),
    };
    let earlier = earlier.map_or_else(String::new, |earlier| baseline(results, earlier));
    join([head, earlier, warnings(results), environment(results)])
}

/// With an empty line between the parts that have any.
fn join(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}
