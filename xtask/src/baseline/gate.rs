//! `--fail-on-slower PERCENT`: which cells became slower than that, beyond noise.

use super::change::{Change, Changes};
use crate::results::Skipped;

/// The answer of the gate.
#[derive(Debug)]
pub struct Gate<'a> {
    /// The part of 1 that the user allows.
    pub allowed: f64,
    /// The part of 1 that is checked: that, or the smallest difference that the machine can tell
    /// apart, where that is larger.
    pub limit: f64,
    /// Cells whose whole interval lies beyond.
    pub slower: Vec<Change<'a>>,
    /// Cells with figures from then that became too slow to be measured.
    pub lost: Vec<&'a Skipped>,
    /// Cells whose whole interval lies within, or below.
    pub fine: Vec<Change<'a>>,
    /// Cells that may be either.
    pub unresolved: Vec<Change<'a>>,
}

impl<'a> Gate<'a> {
    /// Checks each change against the `allowed` part of 1 and, where that is larger, against the
    /// smallest difference that the machine can tell apart.
    pub fn of(changes: &[Changes<'a>], allowed: f64, floor: f64) -> Gate<'a> {
        let limit = allowed.max(floor);
        let most = 1.0 + limit;
        let mut gate = Gate {
            allowed,
            limit,
            lost: changes
                .iter()
                .flat_map(|table| &table.lost)
                .copied()
                .collect(),
            slower: Vec::new(),
            fine: Vec::new(),
            unresolved: Vec::new(),
        };
        for change in changes.iter().flat_map(|table| &table.rows) {
            let bounds = change.two.ratio.low.zip(change.two.ratio.high);
            let place = match bounds {
                Some((low, _)) if low > most => &mut gate.slower,
                Some((_, high)) if high <= most => &mut gate.fine,
                _ => &mut gate.unresolved,
            };
            place.push(*change);
        }
        gate
    }

    /// Whether the program fails: if a cell is slower or became too slow to be measured, or if no
    /// cell could be compared at all, for a gate that sees nothing must not look open.
    pub fn fails(&self) -> bool {
        let is_blind = self.fine.is_empty() && self.unresolved.is_empty();
        !self.slower.is_empty() || !self.lost.is_empty() || is_blind
    }
}
