//! The matrix: a row for each workload, a column for each model.

use super::blocks::{fit, in_blocks};
use super::marks;
use super::models;
use super::race::{Race, Standing};
use super::shared::{ABSENT, Column, shared};
use super::text::{pieces, wrap};
use super::view;
use crate::results::{Results, Verdict, Workload};

const SKIPPED: &str = "-";

const FAILED: &str = "ERR";

/// The heading of the workloads.
const HEAD: &str = "workload";

/// The letters of a user's own model in one line of its heading.
const HEAD_COLUMNS: usize = 6;

/// Each model's default variant on each workload, as its ratio to the best, the simplest model
/// first; then what marks and headings mean. Empty without workloads.
pub fn matrix(results: &Results) -> String {
    matrix_of(results, &Race::all(results))
}

pub(crate) fn matrix_of(results: &Results, races: &[Race<'_>]) -> String {
    let models = columns(results);
    if results.workloads.is_empty() || models.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = results
        .workloads
        .iter()
        .map(|workload| view::title(results, workload, " "))
        .collect();
    let columns = models.iter().map(|&model| {
        let tables = results.workloads.iter().zip(races);
        let entries = tables.map(|(workload, race)| entry(results, workload, race, model));
        let entries = [head(model)].into_iter().chain(entries).collect();
        Column { model, entries }
    });
    let columns: Vec<Column<'_>> = columns.collect();
    let entries: Vec<Vec<String>> = columns
        .iter()
        .map(|column| column.entries.clone())
        .collect();
    let (entries, told) = match fit(HEAD, &rows, &entries) {
        true => (entries, Vec::new()),
        // Blocks one below the other would take twice the lines.
        false => Some(shared(&columns, &rows))
            .filter(|(fewer, _)| fit(HEAD, &rows, fewer))
            .unwrap_or((entries, Vec::new())),
    };
    let blocks = in_blocks(HEAD, &rows, &entries);
    let mut out = wrap(
        "",
        "Which model for which work: time, divided by the best one's",
    );
    out.push_str(&blocks.join("\n"));
    out.push_str(&meaning(results, races, &entries));
    out.push_str(&headings(&models, &entries, told));
    out
}

/// The models of these results, the simplest first.
pub(crate) fn columns(results: &Results) -> Vec<&str> {
    let cells = results.cells.iter();
    let measured = cells.map(|cell| (cell.model.as_str(), cell.variant.as_str()));
    let skipped = results.skipped.iter();
    let skipped = skipped.map(|it| (it.model.as_str(), it.variant.as_str()));
    let mut models: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (model, variant) in measured.chain(skipped) {
        if variant.is_empty() && seen.insert(model) {
            models.push(model);
        }
    }
    models.sort_by_key(|model| models::simplicity(model));
    models
}

fn head(model: &str) -> String {
    match models::short(model) {
        Some(short) => short.to_owned(),
        None => pieces(&crate::text::name(model), HEAD_COLUMNS).join("\n"),
    }
}

/// The outcome of a model's default variant on a workload.
pub(crate) enum Entry<'a> {
    /// It has figures.
    Measured(Standing<'a>),
    /// It gave no figures.
    Failed,
    /// It was left out for a reason.
    Skipped,
    /// It did not take part.
    Absent,
}

impl<'a> Entry<'a> {
    pub(crate) fn of(
        results: &'a Results,
        workload: &Workload,
        race: &Race<'a>,
        model: &str,
    ) -> Entry<'a> {
        if let Some(row) = race.row(model, "") {
            return Entry::Measured(*row);
        }
        let is_default = |name: &str, variant: &str| name == model && variant.is_empty();
        let mut failed = race.failed.iter();
        if failed.any(|cell| is_default(&cell.model, &cell.variant)) {
            return Entry::Failed;
        }
        let mut skipped = view::skipped(results, workload).into_iter();
        match skipped.any(|it| is_default(&it.model, &it.variant)) {
            true => Entry::Skipped,
            false => Entry::Absent,
        }
    }
}

pub(crate) fn entry(
    results: &Results,
    workload: &Workload,
    race: &Race<'_>,
    model: &str,
) -> String {
    match Entry::of(results, workload, race, model) {
        Entry::Measured(row) => marks::briefly(&row, race.is_winner(&row)),
        Entry::Failed => FAILED.to_owned(),
        Entry::Skipped => SKIPPED.to_owned(),
        Entry::Absent => ABSENT.to_owned(),
    }
}

/// The marks that occur, in one paragraph.
fn meaning(results: &Results, races: &[Race<'_>], entries: &[Vec<String>]) -> String {
    let shown = entries.iter().flat_map(|column| &column[1..]);
    let said = meanings(
        results,
        races,
        &shown.map(String::as_str).collect::<Vec<_>>(),
    );
    match said.is_empty() {
        true => String::new(),
        false => wrap("marks     ", &format!("{}.", said.join("; "))),
    }
}

/// The meanings of the marks of these entries, a clause each.
pub(crate) fn meanings(results: &Results, races: &[Race<'_>], entries: &[&str]) -> Vec<String> {
    let occurs = |mark: &str| entries.iter().any(|entry| entry.contains(mark));
    let mut said: Vec<String> = marks::meanings(results, races)
        .into_iter()
        .filter(|meaning| occurs(meaning.mark))
        .map(|meaning| format!("{} {}", meaning.mark, meaning.brief))
        .collect();
    for (mark, meaning) in [
        (FAILED, "failed"),
        (SKIPPED, "skipped"),
        (ABSENT, "not compared"),
    ] {
        if entries.contains(&mark) {
            said.push(format!("{mark} {meaning}"));
        }
    }
    let by_variant = |race: &Race<'_>| {
        let best = race.winner().filter(|row| row.verdict == Verdict::Best);
        best.is_some_and(|row| !row.cell.variant.is_empty())
    };
    if races.iter().any(by_variant) {
        said.push("a row without `best` was won by a variant".to_owned());
    }
    said
}

/// The meaning of the headings that are not the beginning of a name.
fn headings(models: &[&str], entries: &[Vec<String>], shared: Vec<String>) -> String {
    let told = models.iter().filter_map(|model| {
        let short = models::short(model)?;
        let is_shown = entries.iter().any(|column| column[0] == short);
        (is_shown && !model.starts_with(short)).then(|| format!("{short} {model}"))
    });
    let told = ["the simplest first".to_owned()].into_iter().chain(told);
    let told: Vec<String> = told.chain(shared).collect();
    wrap("columns   ", &format!("{}.", told.join("; ")))
}
