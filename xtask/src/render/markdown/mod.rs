//! `results.md`: a comparison to paste into a pull request or an issue.

mod against;
mod escape;
mod tables;

use std::fmt::Write as _;

use super::choice::{self, Choice, by_kind};
use super::matrix::{Entry, columns, entry, meanings};
use super::number::{bytes, count, duration, plural};
use super::race::{Race, Standing};
use super::text::remark;
use super::view::{self, Names};
use super::{advice, footer, verdict};
use crate::results::{Results, Verdict, Workload};
use crate::text::cut;
use against::against;
use escape::Escaped;
use tables::{Table, details};

/// A forge refuses longer texts: 65,536 characters at most.
const MOST_BYTES: usize = 60_000;

/// Larger matrices are cut: the rest is in the tables.
const MOST_ROWS: usize = 60;
const MOST_COLUMNS: usize = 24;

/// The names of workloads in one cell.
const MOST_TITLES_COLUMNS: usize = 200;

/// The answer, the matrix, what changed since `earlier`, a table for each workload, warnings, and
/// where it ran. Tables that would make it longer than a forge takes are left out, and named.
pub fn markdown(results: &Results, earlier: Option<&Results>) -> String {
    let races = Race::all(results);
    let mut out = String::from("## Which concurrency model\n");
    state(&mut out, results);
    answer(&mut out, results, &races);
    matrix(&mut out, results, &races);
    if let Some(earlier) = earlier {
        against(&mut out, results, earlier);
    }
    let mut tail = String::new();
    warnings(&mut tail, results);
    environment(&mut tail, results);
    let mut left_out = Vec::new();
    for (workload, race) in results.workloads.iter().zip(&races) {
        let table = of_workload(results, workload, race);
        if out.len() + table.len() + tail.len() > MOST_BYTES {
            left_out.push(view::title(results, workload, " "));
        } else {
            out.push_str(&table);
        }
    }
    if !left_out.is_empty() {
        let names = Escaped::line(&cut(&left_out.join(", "), 1_000));
        let _ = write!(
            out,
            "\nThe tables of {names} are left out: a forge takes no longer text. `cargo xtask \
             report RESULTS.json --details` prints them.\n"
        );
    }
    out + &tail
}

/// The first things to know: that it is interrupted, or only a smoke run.
fn state(out: &mut String, results: &Results) {
    if results.workloads.is_empty() {
        out.push_str("\nNothing was measured.\n");
    }
    if !results.complete {
        out.push_str("\n**Incomplete**: this comparison was interrupted.\n");
    }
    if results.settings.smoke {
        out.push_str("\n**Smoke run**: these are not figures to choose a model by.\n");
    }
}

/// Which model for which kind of work, and the winner of each workload.
fn answer(out: &mut String, results: &Results, races: &[Race<'_>]) {
    let choices = by_kind(results, races);
    if choices.is_empty() {
        return;
    }
    let _ = write!(out, "\n{}:\n\n", Escaped::line(&choice::heading(results)));
    let mut table = Table::new(&["kind of work", "take", "measured by"], 3);
    for Choice { kind, places, told } in choices {
        let titles = places.into_iter();
        let titles = titles.map(|place| view::title(results, &results.workloads[place], " "));
        let titles = cut(&titles.collect::<Vec<_>>().join(", "), MOST_TITLES_COLUMNS);
        table.row([kind.name(), &told, &titles].map(Escaped::cell));
    }
    out.push_str(&table.to_string());
}

/// Workload × model.
fn matrix(out: &mut String, results: &Results, races: &[Race<'_>]) {
    let all = columns(results);
    let models = &all[..all.len().min(MOST_COLUMNS)];
    if results.workloads.is_empty() || models.is_empty() {
        return;
    }
    out.push_str("\nTime, divided by the best one's:\n\n");
    let names = models.iter().map(|model| crate::text::name(model));
    let heads: Vec<String> = ["workload".to_owned()].into_iter().chain(names).collect();
    let mut table = Table::new(&heads, 1);
    let mut entries = Vec::new();
    for (workload, race) in results.workloads.iter().zip(races).take(MOST_ROWS) {
        let texts = models.iter().map(|model| {
            let text = entry(results, workload, race, model);
            entries.push(text.clone());
            match Entry::of(results, workload, race, model) {
                Entry::Measured(row) if row.verdict == Verdict::Best && race.is_winner(&row) => {
                    Cell::Bold(text)
                }
                _ => Cell::Plain(text),
            }
        });
        let title = Cell::Plain(view::title(results, workload, " "));
        let row: Vec<String> = [title].into_iter().chain(texts).map(Cell::shown).collect();
        table.raw(row);
    }
    out.push_str(&table.to_string());
    if results.workloads.len() > MOST_ROWS || all.len() > models.len() {
        out.push_str("\nOnly a part of the matrix is shown.\n");
    }
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let said = meanings(results, races, &entries);
    if !said.is_empty() {
        let _ = write!(out, "\nMarks: {}.\n", Escaped::line(&said.join("; ")));
    }
}

enum Cell {
    Plain(String),
    Bold(String),
}

impl Cell {
    fn shown(self) -> String {
        match self {
            Cell::Plain(text) => Escaped::cell(&text).to_string(),
            Cell::Bold(text) => format!("**{}**", Escaped::cell(&text)),
        }
    }
}

/// One workload: the table, what failed or was skipped, and the conclusions.
fn of_workload(results: &Results, workload: &Workload, race: &Race<'_>) -> String {
    let names = Names::of(results, workload);
    let title = view::title_in_words(results, workload);
    let mut body = String::new();
    if !workload.about.is_empty() {
        let _ = write!(body, "{}\n\n", Escaped::line(&remark(&workload.about)));
    }
    body.push_str(&tables::figures(workload, race, &names).to_string());
    let mut notes: Vec<String> = Vec::new();
    for cell in &race.failed {
        notes.push(format!("{}: {}", names.cell(cell), view::failure(cell)));
    }
    for skipped in view::skipped(results, workload) {
        let reason = remark(&skipped.reason);
        notes.push(format!("{}: skipped: {reason}", names.skipped(skipped)));
    }
    notes.push(verdict::verdict(results, workload, race));
    notes.extend(advice::advice(results, workload, race));
    body.push('\n');
    for note in notes {
        let _ = writeln!(body, "- {}", Escaped::line(&note));
    }
    let won = race.winner().map(|winner| won(winner, &names));
    let won = won.unwrap_or_else(|| "no figures".to_owned());
    details(&format!("{title}: {won}"), &body)
}

/// The winner with its costs.
fn won(winner: &Standing<'_>, names: &Names<'_>) -> String {
    let cell = winner.cell;
    let mut parts = vec![names.cell(cell)];
    parts.extend(cell.judged().map(|judged| duration(judged.median)));
    let threads = cell.threads_peak;
    parts.extend(threads.map(|threads| match threads {
        1 => "1 thread".to_owned(),
        _ => format!("{} threads", count(threads as f64)),
    }));
    parts.extend(cell.rss_peak_bytes.map(bytes));
    parts.join(", ")
}

fn warnings(out: &mut String, results: &Results) {
    let mut warnings = footer::cautions(results);
    // Those of the state are at the top.
    warnings.retain(|(head, _)| *head == footer::WARNING);
    if warnings.is_empty() {
        return;
    }
    let mut body = String::new();
    for (_, warning) in &warnings {
        if body.len() > MOST_BYTES / 4 {
            body.push_str("- and more: see results.json\n");
            break;
        }
        let _ = writeln!(body, "- {}", Escaped::line(warning));
    }
    out.push_str(&details(&plural(warnings.len(), "warning"), &body));
}

fn environment(out: &mut String, results: &Results) {
    let mut table = Table::new(&["", ""], 2);
    for (head, text) in footer::facts(results) {
        table.row([head, &text].map(Escaped::cell));
    }
    let _ = write!(out, "\n{table}");
}
