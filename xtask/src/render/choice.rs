//! Which model for which kind of work: among equals, the simplest.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::models;
use super::number::{percent, ratio};
use super::race::Race;
use super::text::{clipped, wrap};
use super::view;
use crate::results::{Results, Verdict};

/// The results of one model on all workloads of a kind.
struct Candidate<'a> {
    model: &'a str,
    /// Whether it is the best, or shown to be as fast, on all of them.
    is_equal: bool,
    /// The upper bound of its ratio to the best, on the workload where that is largest.
    at_most: f64,
    /// The same of the estimates.
    estimate: f64,
}

/// The choice for one kind of work.
pub(crate) struct Choice {
    pub(crate) kind: Kind,
    /// The places of its workloads in the results.
    pub(crate) places: Vec<usize>,
    /// The model, and how sure it is.
    pub(crate) told: String,
}

/// A choice for each kind of work that was measured, the default variants of rivals only.
pub(crate) fn by_kind(results: &Results, races: &[Race<'_>]) -> Vec<Choice> {
    let mut kinds: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (place, race) in races.iter().enumerate() {
        // Where nothing else ran, there is nothing to choose from.
        if !race.others().is_empty() {
            let kind = Kind::of(results, &results.workloads[place]);
            kinds.entry(kind).or_default().push(place);
        }
    }
    let choices = kinds.into_iter().map(|(kind, places)| {
        let of_kind: Vec<&Race<'_>> = places.iter().map(|place| &races[*place]).collect();
        let told = choice(&of_kind);
        Choice { kind, places, told }
    });
    choices.collect()
}

/// The heading of the choices.
pub(crate) fn heading(results: &Results) -> String {
    let margin = percent(results.settings.margin());
    format!("Which model for which kind of work: the simplest of those within {margin}")
}

/// A line for each kind of work.
pub(crate) fn choices(results: &Results, races: &[Race<'_>]) -> String {
    let choices = by_kind(results, races);
    if choices.is_empty() {
        return String::new();
    }
    let mut out = wrap("", &heading(results));
    for Choice { kind, places, told } in choices {
        let titles = places.into_iter();
        let titles = titles.map(|place| view::title(results, &results.workloads[place], " "));
        let titles: Vec<String> = titles.collect();
        let line = format!("{:20}{told}", kind.name());
        out.push_str(&clipped(&format!("{line} ({})", titles.join(", "))));
    }
    out
}

fn choice(races: &[&Race<'_>]) -> String {
    let candidates = candidates(races);
    let simplest = candidates
        .iter()
        .filter(|candidate| candidate.is_equal)
        .min_by_key(|candidate| models::simplicity(candidate.model));
    let closest = || {
        let bounded = candidates.iter().filter(|it| it.at_most.is_finite());
        bounded.min_by(|a, b| a.at_most.total_cmp(&b.at_most))
    };
    let open: usize = races
        .iter()
        .map(|race| race.with(Verdict::Open).len())
        .sum();
    let open = match open {
        0 => String::new(),
        n => format!(", {n} open"),
    };
    let name = |candidate: &Candidate<'_>| crate::text::name(candidate.model);
    match (simplest, closest()) {
        (Some(found), _) => format!("{}{open}", name(found)),
        (None, Some(found)) => {
            let at_most = ratio(found.at_most);
            format!(
                "{}, at most {at_most} times the best one{open}",
                name(found)
            )
        }
        (None, None) => {
            let ahead = candidates.iter();
            let ahead = ahead.min_by(|a, b| a.estimate.total_cmp(&b.estimate));
            let ahead = ahead.map(|found| format!(", {} ahead so far", name(found)));
            format!("open{}", ahead.unwrap_or_default())
        }
    }
}

/// The rivals that were measured on all of these.
fn candidates<'a>(races: &[&Race<'a>]) -> Vec<Candidate<'a>> {
    let Some((first, _)) = races.split_first() else {
        return Vec::new();
    };
    let mut models: Vec<&str> = Vec::new();
    for row in &first.rows {
        let model = row.cell.model.as_str();
        if row.cell.variant.is_empty() && row.is_rival && !models.contains(&model) {
            models.push(model);
        }
    }
    let candidate = |model: &'a str| {
        let rows: Option<Vec<_>> = races.iter().map(|race| race.row(model, "")).collect();
        let rows = rows?;
        let at_most = races.iter().zip(&rows).map(|(race, row)| {
            // A best one by one sample is none yet.
            let open = race.is_winner(row) && row.verdict == Verdict::Open;
            let bounds = row.ratio.and_then(|ratio| view::bounds(&ratio));
            bounds
                .filter(|_| !open)
                .map_or(f64::INFINITY, |(_, high)| high)
        });
        let estimates = rows.iter().map(|row| {
            let median = row.ratio.map(|ratio| ratio.median);
            median.unwrap_or(f64::INFINITY)
        });
        Some(Candidate {
            model,
            estimate: estimates.fold(0.0, f64::max),
            is_equal: rows
                .iter()
                .all(|row| matches!(row.verdict, Verdict::Best | Verdict::Fast)),
            at_most: at_most.fold(0.0, f64::max),
        })
    };
    models.into_iter().filter_map(candidate).collect()
}
