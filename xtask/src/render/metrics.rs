//! The lines below a table, for metrics that only some cells have.

use super::number::{count, duration};
use super::text::wrap;
use super::view::{self, Names};
use crate::results::Cell;

/// A metric that is shown, in the order in which they are.
pub(crate) struct Shown {
    /// Its name in `results.json`.
    pub(crate) metric: &'static str,
    /// At most nine characters.
    pub(crate) head: &'static str,
    pub(crate) about: &'static str,
    pub(crate) number: fn(f64) -> String,
}

pub(crate) const SHOWN: [Shown; 3] = [
    Shown {
        metric: "loop_lag_max_ns",
        head: "loop lag",
        about: "how late the event loop came to a timer at worst",
        number: duration,
    },
    Shown {
        metric: "items_in_flight_peak",
        head: "in flight",
        about: "items that had entered a pipeline and not left it, at most",
        number: count,
    },
    Shown {
        metric: "stalls_caught",
        head: "stalls",
        about: "caught by the watch",
        number: count,
    },
];

/// One paragraph for each such metric that any of the cells has, in the order of the table.
pub(crate) fn metrics(cells: &[&Cell], names: &Names<'_>) -> String {
    let mut out = String::new();
    for shown in &SHOWN {
        let figures: Vec<String> = cells
            .iter()
            .filter_map(|cell| Some((cell, view::metric(cell, shown.metric)?)))
            .map(|(cell, value)| format!("{} {}", names.cell(cell), (shown.number)(value)))
            .collect();
        if !figures.is_empty() {
            let text = format!("{}: {}", shown.about, figures.join(", "));
            out.push_str(&wrap(&format!("{:10}", shown.head), &text));
        }
    }
    out
}
