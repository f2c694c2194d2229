//! Units that wait behind a long one, or at a worker that is stopped.

use std::time::Instant;

use super::lane::{LONG, Lane, Verdict};
use super::state::State;
use super::supervisor::SWEEP;
use crate::transport::layout::SLOTS;

impl State {
    /// Gives units that have waited behind a long one to workers that get on, and ends workers that never claim a unit.
    /// Returns when to look again.
    pub(super) fn relieve(&mut self, now: Instant) -> Option<Instant> {
        for place in 0..self.lanes.len() {
            if let Some(lane) = &mut self.lanes[place] {
                lane.note_pace(now);
                if lane.is_slow() && lane.is_unclaimed() && !lane.is_ready() {
                    // A Ctrl-Z may have hit it in the moment in which it joined its own group, which `fg` does not
                    // continue.
                    lane.ports.go_on();
                }
                if lane.is_stuck() && lane.is_live() {
                    let back = lane.withdraw(SLOTS);
                    // It may have claimed one by now.
                    if lane.load() == 0 {
                        lane.condemn(Verdict::Killed);
                    }
                    self.requeue(back);
                }
            }
        }
        let has_others = self.lanes.len() > 1 && self.has_swift_lane();
        if has_others {
            for place in 0..self.lanes.len() {
                let lane = self.lanes[place].as_mut();
                if let Some(lane) = lane.filter(|lane| lane.is_slow() && lane.is_live()) {
                    let back = lane.withdraw(SLOTS);
                    self.requeue(back);
                }
            }
        }
        self.settle();
        let lanes = || self.lanes.iter().flatten();
        if has_others && lanes().any(|lane| lane.waiting() > 0) {
            return now.checked_add(LONG);
        }
        // If all are slow, nothing tells of the one that comes to its end first.
        let is_shared = self.lanes.len() > 1;
        let needs_look = |lane: &Lane| is_shared && lane.waiting() > 0 || lane.is_unclaimed();
        lanes().any(needs_look).then(|| now + SWEEP)
    }
}
