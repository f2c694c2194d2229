//! The table of regrets, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use workload_stats::{Interval, median};

use crate::by_hand::Version;

const BEGIN: &str = "<!-- begin: regret -->";
const END: &str = "<!-- end: regret -->";

/// A choice and its price.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The words of the advice, or the version by hand.
    pub words: String,
    /// The regret; nothing where nothing was advised.
    pub regret: Option<Interval>,
}

/// The row of a job.
#[derive(Debug, Clone)]
pub struct Row {
    /// The job.
    pub job: &'static str,
    /// The best version by hand, and its time in milliseconds.
    pub best: (Version, f64),
    /// From the function, from the trace, by the rule of thumb, by the formula.
    pub choices: [Choice; 4],
}

/// The columns of the choices.
pub const COLUMNS: [&str; 4] = [
    "advice from the function",
    "advice from a trace",
    "rule of thumb",
    "pool-size formula",
];

/// The table, with the median and the worst regret of each column.
pub fn text(rows: &[Row], head: &str) -> String {
    let mut text = format!("{head}\n\n| job | best by hand |");
    for column in COLUMNS {
        let _ = write!(text, " {column} |");
    }
    text += "\n|---|---|---|---|---|---|\n";
    for row in rows {
        let (version, ms) = row.best;
        let _ = write!(text, "| {} | {version}, {ms:.1} ms |", row.job);
        for choice in &row.choices {
            let _ = write!(text, " {} |", cell(choice));
        }
        text.push('\n');
    }
    for (name, of) in [
        ("median", median as fn(&[f64]) -> Option<f64>),
        ("worst", |all| all.iter().copied().reduce(f64::max)),
    ] {
        let _ = write!(text, "| **{name}** | |");
        for column in 0..COLUMNS.len() {
            let all: Vec<f64> = rows
                .iter()
                .filter_map(|row| Some(row.choices[column].regret.as_ref()?.median))
                .collect();
            match of(&all) {
                Some(regret) => {
                    let _ = write!(text, " **{regret:.2}** |");
                }
                None => text += " |",
            }
        }
        text.push('\n');
    }
    text
}

fn cell(choice: &Choice) -> String {
    let Some(regret) = &choice.regret else {
        return choice.words.clone();
    };
    let range = match (regret.low, regret.high) {
        (Some(low), Some(high)) => format!(" [{low:.2}–{high:.2}]"),
        _ => String::new(),
    };
    format!("{}: {:.2}{range}", choice.words, regret.median)
}

/// Puts the table between the two lines of the document that mark its place.
///
/// # Errors
///
/// If the document cannot be read or written, or lacks a marker.
pub fn put(table: &str, into: &Path) -> io::Result<()> {
    let document = fs::read_to_string(into)?;
    let missing = |marker| io::Error::other(format!("{}: no line {marker}", into.display()));
    let (before, rest) = document.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    fs::write(into, format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Model;

    fn choice(words: &str, median: f64) -> Choice {
        Choice {
            words: words.to_owned(),
            regret: Some(Interval {
                median,
                low: None,
                high: None,
            }),
        }
    }

    #[test]
    fn table_ends_with_the_median_and_the_worst_regret() {
        let row = |regret: f64| Row {
            job: "logs",
            best: (
                Version {
                    model: Model::Queue,
                    workers: 2,
                },
                10.0,
            ),
            choices: [
                choice("queue ×2", regret),
                Choice {
                    words: "none".to_owned(),
                    regret: None,
                },
                choice("rayon ×2", 1.0),
                choice("threadpool ×4", 2.0),
            ],
        };
        let text = text(&[row(1.0), row(1.5), row(1.1)], "head");
        assert!(text.contains("| logs | crossbeam-channel ×2, 10.0 ms | queue ×2: 1.50 | none |"));
        assert!(
            text.contains("| **median** | | **1.10** | | **1.00** | **2.00** |"),
            "{text}"
        );
        assert!(text.contains("| **worst** | | **1.50** | |"), "{text}");
    }
}
