//! The answer of `--fail-on-slower`, in lines.

use super::baseline::in_words;
use super::number::percent;
use crate::baseline::Gate;
use crate::text::name;

/// The names in one line: the rest is counted.
const MOST_NAMES: usize = 5;

/// One line for each cell that is slower than allowed, then what was checked and what could not be
/// resolved.
pub fn gate(gate: &Gate<'_>) -> Vec<String> {
    let allowed = percent(gate.allowed);
    let checked = gate.slower.len() + gate.fine.len() + gate.unresolved.len();
    if checked == 0 {
        return vec![format!(
            "error: slower than {allowed}: no cell has figures in both comparisons, so nothing was \
             checked"
        )];
    }
    let slower = gate.slower.iter();
    let mut lines: Vec<String> = slower
        .map(|row| format!("error: slower than {allowed}: {}", in_words(row)))
        .collect();
    lines.push(format!(
        "slower than {allowed}: {} of {checked}; not slower: {}; not resolved: {}{}",
        gate.slower.len(),
        gate.fine.len(),
        gate.unresolved.len(),
        unresolved(gate)
    ));
    lines
}

fn unresolved(gate: &Gate<'_>) -> String {
    let open = gate.unresolved.iter();
    let names: Vec<String> = open
        .take(MOST_NAMES)
        .map(|row| {
            format!(
                "{} {}",
                name(&row.now.workload),
                name(&row.now.contestant())
            )
        })
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let more = match gate.unresolved.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names.join(", ");
    format!(" ({names}{more}); a longer --budget in both comparisons makes intervals narrower")
}
