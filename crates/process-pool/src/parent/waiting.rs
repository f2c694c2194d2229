//! A thread that waits for the result of one job.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::jobs::{Key, Stage, Waiter};
use super::state::State;
use super::supervisor::SWEEP;
use super::unit::Outcome;
use crate::transport::layout::SLOTS;
use crate::transport::mapping::Region;
use crate::transport::{futex, spin};

/// How many waits not to spin after one that spun in vain.
const PAUSE: u32 = 16;

/// What a waiting thread does next.
enum Next {
    Done(Outcome),
    /// Watch the slot for a moment.
    Spin(Arc<Region>, u64, usize),
    /// Sleep on the worker's bell.
    Sleep(Arc<Region>, usize),
    /// Sleep until somebody else has the result.
    Park,
}

impl Shared {
    /// Waits for a job to end, at most until then. Gives its place back with the result.
    pub(crate) fn wait_for(&self, key: Key, until: Option<Instant>) -> Option<Outcome> {
        let mut spun = !self.spin;
        loop {
            match self.with(|state| next(state, key, spun)) {
                Next::Done(outcome) => return Some(outcome),
                Next::Spin(region, unit, lane) => {
                    spun = true;
                    if !spin(&region, unit) {
                        self.with(|state| {
                            if let Some(lane) = &mut state.lanes[lane] {
                                lane.spin_pause = PAUSE;
                            }
                        });
                    }
                }
                Next::Sleep(region, lane) => {
                    let left = left(until);
                    let since = Instant::now();
                    futex::sleep(
                        &region.wanted.0.done,
                        Some(left.unwrap_or(SWEEP).min(SWEEP)),
                    );
                    let was_long = since.elapsed() >= SWEEP;
                    self.with(|state| {
                        // A worker that has been stopped never wakes this thread.
                        state.kick |= was_long && state.next_look.is_none();
                        if let Some(lane) = &mut state.lanes[lane]
                            && Arc::ptr_eq(&lane.region, &region)
                        {
                            lane.has_sleeper = false;
                            lane.region.wanted.0.done.disarm();
                        }
                    });
                }
                Next::Park => match left(until) {
                    None => thread::park(),
                    Some(left) => thread::park_timeout(left),
                },
            }
            if left(until).is_some_and(|left| left.is_zero()) {
                return self.with(|state| give_up(state, key));
            }
        }
    }
}

fn left(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

fn next(state: &mut State, key: Key, spun: bool) -> Next {
    loop {
        // What came with the result before it.
        if let Some(outcome) = state.take_result(key) {
            return Next::Done(outcome);
        }
        let Some(Stage::Lane { lane: place, unit }) = state.stage(key) else {
            return park(state, key);
        };
        state.tend(place);
        if let Some(outcome) = state.take_result(key) {
            return Next::Done(outcome);
        }
        let Some(lane) = &mut state.lanes[place] else {
            return park(state, key);
        };
        if !spun && lane.is_awake && lane.spin_pause == 0 {
            return Next::Spin(Arc::clone(&lane.region), unit, place);
        }
        if lane.has_sleeper || lane.is_condemned() {
            return park(state, key);
        }
        lane.spin_pause = lane.spin_pause.saturating_sub(1);
        lane.region.wanted.0.done.arm();
        let region = Arc::clone(&lane.region);
        // What happened before would ring no bell.
        if state.tend(place) {
            region.wanted.0.done.disarm();
            continue;
        }
        if let Some(lane) = &mut state.lanes[place] {
            lane.has_sleeper = true;
        }
        return Next::Sleep(region, place);
    }
}

/// Has the supervisor wake this thread, unless the result is there.
fn park(state: &mut State, key: Key) -> Next {
    let _ = state.watch(key, Waiter::Thread(thread::current()));
    state.settle();
    state.take_result(key).map_or(Next::Park, Next::Done)
}

/// The time is up. The result may have come at the last moment.
fn give_up(state: &mut State, key: Key) -> Option<Outcome> {
    let _ = state.watch(key, Waiter::Nobody);
    state.take_result(key)
}

/// Watches the slot; `false` if nothing came of it.
fn spin(region: &Region, unit: u64) -> bool {
    let slot = &region.slots[unit as usize % SLOTS];
    spin::until(|| !slot.is_under_way())
}
