//! What the Items of *Effective Python* advise, held against the figures of one table.
//!
//! An Item's advice is a [`Claim`]: one contestant takes more than another. Whether it does is read off the cells, so the
//! same Item is borne out by one table and not by the next, and both is said.

mod claims;
mod outcome;

use super::view::{self, Names};
use crate::results::{Cell, Results, Workload};
use claims::CLAIMS;
use outcome::Outcome;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    /// The time of a sample, round by round.
    Time,
    /// Memory at its peak.
    Memory,
    /// How late an event loop came to its timer at worst.
    LoopLag,
}

/// What an Item advises, as something that can be seen or not.
struct Claim {
    item: u8,
    /// The advice, as the beginning of a sentence.
    advice: &'static str,
    figure: Figure,
    /// Who should take more of it: the first of these that was measured.
    more: &'static [&'static str],
    /// Who should take less: likewise.
    less: &'static [&'static str],
}

/// A sentence for each Item of the workload whose contestants were measured.
pub(super) fn advice(results: &Results, workload: &Workload) -> Vec<String> {
    let names = Names::new(results);
    let cells = view::cells(results, workload);
    let claims = CLAIMS
        .iter()
        .filter(|claim| workload.items.contains(&claim.item));
    claims
        .filter_map(|claim| sentence(claim, &cells, &names))
        .collect()
}

fn sentence(claim: &Claim, cells: &[&Cell], names: &Names) -> Option<String> {
    let more = first_of(claim.more, cells)?;
    let less = first_of(claim.less, cells)?;
    let outcome = Outcome::of(claim.figure, more, less)?;
    Some(format!(
        "Item {}, {}: {}",
        claim.item,
        claim.advice,
        outcome.told(claim.figure, &names.cell(more), &names.cell(less))
    ))
}

/// The first of these contestants that has figures; with several numbers of workers, the quickest one.
fn first_of<'a>(contestants: &[&str], cells: &[&'a Cell]) -> Option<&'a Cell> {
    contestants.iter().find_map(|name| {
        // The best come first.
        cells
            .iter()
            .copied()
            .find(|cell| view::measured(cell) && cell.contestant() == *name)
    })
}
