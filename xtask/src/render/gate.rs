//! The answer of `--fail-on-slower`, in lines.

use super::baseline::in_words;
use super::number::percent;
use super::text::remark;
use crate::baseline::Gate;
use crate::results::Skipped;
use crate::text::name;

/// The names in one line: the rest is counted.
const MOST_NAMES: usize = 5;

/// One line for each cell that is slower than allowed, then what was checked and what could not be
/// resolved.
pub fn gate(gate: &Gate<'_>) -> Vec<String> {
    let limit = percent(gate.limit);
    let slower = gate.slower.len() + gate.lost.len();
    let checked = slower + gate.fine.len() + gate.unresolved.len();
    if checked == 0 {
        return vec![format!(
            "error: slower than {limit}: no cell has figures in both comparisons, so nothing was \
             checked"
        )];
    }
    let measured = gate.slower.iter().map(in_words);
    let lost = gate.lost.iter().map(|it| too_slow(it));
    let mut lines: Vec<String> = measured
        .chain(lost)
        .map(|words| format!("error: slower than {limit}: {words}"))
        .collect();
    lines.push(format!(
        "slower than {limit}: {slower} of {checked}; not slower: {}; not resolved: {}{}{}",
        gate.fine.len(),
        gate.unresolved.len(),
        unresolved(gate),
        instead(gate)
    ));
    lines
}

/// A cell that has figures from then only.
fn too_slow(skipped: &Skipped) -> String {
    let workload = name(&skipped.workload);
    let model = name(&skipped.contestant());
    let reason = remark(&skipped.reason);
    format!("{workload} {model}: too slow to be measured now: {reason}")
}

/// A limit that the user did not ask for, explained.
fn instead(gate: &Gate<'_>) -> String {
    if gate.limit <= gate.allowed {
        return String::new();
    }
    format!(
        "; this machine cannot tell {} apart, by its calibration",
        percent(gate.allowed)
    )
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
