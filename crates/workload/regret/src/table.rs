//! The table of regrets, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use workload_stats::{Interval, median};

const BEGIN: &str = "<!-- begin: regret -->";
const END: &str = "<!-- end: regret -->";

/// A choice and its price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The words of the advice, or the version by hand.
    pub words: String,
    /// The regret; nothing where nothing was advised.
    pub regret: Option<Interval>,
}

/// The settings of a row, which are those of all rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The processors of the machine.
    pub cpus: usize,
    /// The rounds of the versions by hand.
    pub rounds: usize,
    /// The budget of each advice; its own if there is none.
    pub budget: Option<String>,
}

impl Settings {
    /// The line above the table.
    fn head(&self) -> String {
        let budget = self.budget.as_deref().unwrap_or("60s");
        format!(
            "{} processors, {} rounds, `--budget {budget}` for each advice; regret with its 95 % interval.",
            self.cpus, self.rounds
        )
    }
}

/// The row of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The job.
    pub job: String,
    /// How it was measured.
    pub settings: Settings,
    /// The best version by hand, and its time in milliseconds.
    pub best: (String, f64),
    /// The time of the sequential version ÷ that of the best.
    pub speedup: f64,
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
///
/// # Errors
///
/// If a row was measured with other settings than the first one.
pub fn text(rows: &[Row]) -> io::Result<String> {
    let first = rows
        .first()
        .ok_or_else(|| io::Error::other("there is no row"))?;
    if let Some(other) = rows.iter().find(|row| row.settings != first.settings) {
        return Err(io::Error::other(format!(
            "{} and {} were not measured with the same settings: measure one of them again",
            first.job, other.job
        )));
    }
    let mut text = first.settings.head();
    text += "\n\n| job | best by hand |";
    for column in COLUMNS {
        let _ = write!(text, " {column} |");
    }
    text += "\n|---|---|---|---|---|---|\n";
    for row in rows {
        let ((version, ms), speedup) = (&row.best, row.speedup);
        let _ = write!(
            text,
            "| {} | {version}, {ms:.1} ms, {speedup:.1} × sequential |",
            row.job
        );
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
    Ok(text)
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
    fs::write(
        into,
        between(&document, table)
            .map_err(|marker| io::Error::other(format!("{}: no line {marker}", into.display())))?,
    )
}

/// The document with the table between its markers, each of which is a line of its own.
fn between(document: &str, table: &str) -> Result<String, &'static str> {
    let line = |marker: &'static str| {
        let mut start = 0;
        let mut lines = document.split_inclusive('\n');
        let found = lines.find(|line| {
            start += line.len();
            line.trim_end() == marker
        });
        found
            .map(|found| (start - found.len(), start))
            .ok_or(marker)
    };
    let ((_, begin), (end, _)) = (line(BEGIN)?, line(END)?);
    if begin > end {
        return Err(END);
    }
    Ok(format!("{}{table}{}", &document[..begin], &document[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn row(regret: f64) -> Row {
        Row {
            job: "logs".to_owned(),
            settings: Settings {
                cpus: 2,
                rounds: 9,
                budget: None,
            },
            best: ("crossbeam-channel ×2".to_owned(), 10.0),
            speedup: 1.9,
            choices: [
                choice("queue ×2", regret),
                Choice {
                    words: "none".to_owned(),
                    regret: None,
                },
                choice("rayon ×2", 1.0),
                choice("threadpool ×4", 2.0),
            ],
        }
    }

    #[test]
    fn table_ends_with_the_median_and_the_worst_regret() {
        let text = text(&[row(1.0), row(1.5), row(1.1)]).unwrap();
        assert!(
            text.starts_with("2 processors, 9 rounds, `--budget 60s`"),
            "{text}"
        );
        assert!(
            text.contains(
                "| logs | crossbeam-channel ×2, 10.0 ms, 1.9 × sequential | queue ×2: 1.50 | none |"
            ),
            "{text}"
        );
        assert!(
            text.contains("| **median** | | **1.10** | | **1.00** | **2.00** |"),
            "{text}"
        );
        assert!(text.contains("| **worst** | | **1.50** | |"), "{text}");
    }

    #[test]
    fn rows_of_other_settings_are_refused() {
        let mut other = row(1.0);
        other.settings.rounds = 3;
        other.job = "http".to_owned();
        let error = text(&[row(1.0), other]).unwrap_err().to_string();
        assert!(error.contains("logs") && error.contains("http"), "{error}");
        assert!(text(&[]).is_err());
    }

    #[test]
    fn table_replaces_the_one_between_the_marker_lines() {
        let document = format!("between `{BEGIN}` and `{END}`\n\n{BEGIN}\nold\n{END}\nrest\n");
        let put = between(&document, "new\n").unwrap();
        assert_eq!(
            put,
            format!("between `{BEGIN}` and `{END}`\n\n{BEGIN}\nnew\n{END}\nrest\n")
        );
        assert_eq!(between("nothing", "new"), Err(BEGIN));
        assert_eq!(between(&format!("{END}\n{BEGIN}\n"), "new"), Err(END));
    }
}
