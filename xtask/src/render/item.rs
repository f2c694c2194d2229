//! An Item of *Effective Python* in the figures of a comparison.

use super::advice::advice;
use super::footer::environment;
use super::line::line;
use super::matrix::matrix_of;
use super::race::Race;
use super::text::wrap;
use super::view;
use crate::results::Results;

/// Where the figures are from, a line and a row of the matrix for each workload of this Item, and
/// whether its claims hold there; empty if no workload is about it.
pub fn item(results: &Results, item: u8) -> String {
    let results = about(results, item);
    if results.workloads.is_empty() {
        return String::new();
    }
    let lines = (0..results.workloads.len()).map(|index| line(&results, index));
    let races = Race::all(&results);
    let mut parts = vec![
        environment(&results),
        lines.collect(),
        matrix_of(&results, &races),
        claims(&results, &races, item),
    ];
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The results of the workloads of this Item.
fn about(results: &Results, item: u8) -> Results {
    let mut chosen = results.clone();
    chosen.workloads.retain(|table| table.items.contains(&item));
    let names: Vec<String> = chosen
        .workloads
        .iter()
        .map(|one| one.name.clone())
        .collect();
    chosen.cells.retain(|cell| names.contains(&cell.workload));
    chosen.skipped.retain(|cell| names.contains(&cell.workload));
    chosen
}

/// A sentence for each claim of the Item, with its workload in front of it.
fn claims(results: &Results, races: &[Race<'_>], item: u8) -> String {
    let opening = format!("Item {item}, ");
    let mut out = String::new();
    for (workload, race) in results.workloads.iter().zip(races) {
        for sentence in advice(results, workload, race) {
            if let Some(claim) = sentence.strip_prefix(&opening) {
                let title = view::title_in_words(results, workload);
                out.push_str(&wrap("- ", &format!("{title}: {claim}")));
            }
        }
    }
    out
}
