//! The claims of the Items of *Effective Python*, held against the figures of one table.
//!
//! An Item is put as a [`Claim`]: one contestant takes more than another, or no more. Whether it
//! does is read off the cells, so the same Item holds in one table and not in the next, and both is
//! said.

mod claims;
mod outcome;

use super::kind::Kind;
use super::race::Race;
use super::view::Names;
use crate::results::{Cell, Results, Workload};
use claims::CLAIMS;
use outcome::Outcome;

/// The figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    /// The time of a sample, round by round.
    Time,
    /// Memory at its peak.
    Memory,
    /// The same by the sessions that are held.
    MemoryOfSession,
    /// How late an event loop came to its timer at worst.
    LoopLag,
}

/// The claim about `less` and `more`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It takes less, by more than the margin.
    Less,
    /// It takes no more, but for the margin.
    NoMore,
}

/// The work that a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Any,
    Waits,
    Computes,
    Programs,
    Fold,
    Pipeline,
    /// Tasks by themselves or in rounds, and no pipeline.
    Rounds,
    Serve,
}

impl Work {
    fn is(self, kind: Kind, workload: &Workload) -> bool {
        match self {
            Work::Any => true,
            Work::Waits => kind == Kind::Waits,
            Work::Computes => kind == Kind::Computes,
            Work::Programs => kind == Kind::Programs,
            Work::Fold => workload.pattern == "fold",
            Work::Pipeline => workload.pattern == "pipeline",
            Work::Rounds => matches!(workload.pattern.as_str(), "map" | "rounds"),
            Work::Serve => workload.pattern == "serve",
        }
    }
}

/// The claim of an Item, as something that figures can decide.
struct Claim {
    item: u8,
    /// The beginning of a sentence that "holds here" continues.
    says: &'static str,
    /// Where it makes sense; it is silent elsewhere.
    work: Work,
    figure: Figure,
    form: Form,
    /// The contestants that should take more, or no less: the best measured one counts.
    more: &'static [&'static str],
    /// The contestants that should take less, or no more: likewise.
    less: &'static [&'static str],
}

/// A sentence for each claim of the workload's Items whose contestants were measured.
pub(crate) fn advice(results: &Results, workload: &Workload, race: &Race<'_>) -> Vec<String> {
    let kind = Kind::of(results, workload);
    let table = Table {
        results,
        workload,
        race,
        waits: kind == Kind::Waits,
        names: Names::of(results, workload),
    };
    let claims = CLAIMS
        .iter()
        .filter(|claim| workload.items.contains(&claim.item))
        .filter(|claim| claim.work.is(kind, workload));
    claims.filter_map(|claim| table.sentence(claim)).collect()
}

/// The table that is spoken of.
struct Table<'a> {
    results: &'a Results,
    workload: &'a Workload,
    race: &'a Race<'a>,
    waits: bool,
    names: Names<'a>,
}

impl<'a> Table<'a> {
    fn sentence(&self, claim: &Claim) -> Option<String> {
        let more = self.best_of(claim.more)?;
        let less = self.best_of(claim.less)?;
        let outcome = Outcome::of(claim, self.workload, more, less, &self.results.settings)?;
        let (more, less) = (self.names.cell(more), self.names.cell(less));
        let told = outcome.told(&more, &less);
        Some(format!("Item {}, {}: {told}", claim.item, claim.says))
    }

    /// The best of these contestants, by its best number of workers.
    fn best_of(&self, contestants: &[&str]) -> Option<&'a Cell> {
        // The best come first.
        let rows = self.race.rows.iter().map(|row| row.cell);
        rows.filter(|cell| contestants.contains(&cell.contestant().as_str()))
            .find(|cell| !self.is_undersized(cell))
    }

    /// Whether it is a pool with a worker for each core that was given work that waits: it shows
    /// nothing of pools, since nobody would set it up like that.
    fn is_undersized(&self, cell: &Cell) -> bool {
        let pool = matches!(cell.model.as_str(), "thread-pool" | "queue");
        pool && self.waits && (1..=self.results.environment.cpus).contains(&cell.workers)
    }
}
