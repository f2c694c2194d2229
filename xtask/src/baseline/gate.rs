//! `--fail-on-slower PERCENT`: which cells became slower than that, beyond noise.

use super::change::{Change, Changes};

/// The answer of the gate.
#[derive(Debug)]
pub struct Gate<'a> {
    /// The part of 1 that is allowed.
    pub allowed: f64,
    /// Cells whose whole interval lies beyond.
    pub slower: Vec<Change<'a>>,
    /// Cells whose whole interval lies within, or below.
    pub fine: Vec<Change<'a>>,
    /// Cells that may be either.
    pub unresolved: Vec<Change<'a>>,
}

impl<'a> Gate<'a> {
    /// Checks each change against the `allowed` part of 1 and, where that is larger, against the
    /// smallest difference that the machine can tell apart.
    pub fn of(changes: &[Changes<'a>], allowed: f64, floor: f64) -> Gate<'a> {
        let most = 1.0 + allowed.max(floor);
        let mut gate = Gate {
            allowed,
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

    /// Whether the program fails: if a cell is slower, or if no cell could be compared at all, for
    /// a gate that sees nothing must not look open.
    pub fn fails(&self) -> bool {
        !self.slower.is_empty() || (self.fine.is_empty() && self.unresolved.is_empty())
    }
}
