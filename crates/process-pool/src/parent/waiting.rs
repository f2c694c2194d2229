//! Blocking waits for the result of one job: spin, then sleep on the worker's bell, or park.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::batch::JobKey;
use super::intervals::SWEEP;
use super::job_table::{Stage, Waiter};
use super::map_results::RawResult;
use super::shared::Shared;
use super::state::State;
use crate::transport::bell;
use crate::transport::layout::SLOTS;
use crate::transport::mapping::Region;

/// The number of waits that skip spinning after a spin that timed out.
const PAUSE: u32 = 16;

/// The next step of a waiting thread.
enum Next {
    Done(RawResult),
    /// Spin on the slot for a moment.
    Spin(Arc<Region>, u64, usize),
    /// Sleep on the worker's bell.
    Sleep(Arc<Region>, usize),
    /// Park until the supervisor has the result.
    Park,
}

impl Shared {
    /// Takes the result if the job has ended, and then frees the table entry. Never blocks.
    pub(crate) fn try_take(&self, key: JobKey) -> Option<RawResult> {
        self.with(|state| {
            state.collect_for(key);
            state.take_result(key)
        })
    }

    /// Waits until the job ends, or until the deadline. Frees the table entry with the result.
    pub(crate) fn wait_for(&self, key: JobKey, deadline: Option<Instant>) -> Option<RawResult> {
        let mut spun = !self.spin;
        loop {
            match self.with(|state| next(state, key, spun)) {
                Next::Done(outcome) => return Some(outcome),
                Next::Spin(region, batch, worker) => {
                    spun = true;
                    if !spin(&region, batch) {
                        self.with(|state| {
                            if let Some(link) = &mut state.workers[worker] {
                                link.spin_pause = PAUSE;
                            }
                        });
                    }
                }
                Next::Sleep(region, worker) => {
                    let left = left(deadline);
                    let since = Instant::now();
                    let bell = &region.bells.0.done;
                    bell.sleep(Some(left.unwrap_or(SWEEP).min(SWEEP)));
                    let was_long = since.elapsed() >= SWEEP;
                    self.with(|state| {
                        // A stopped worker never wakes this thread. The supervisor notices it,
                        // unless its next check is far away, at the time limit of a job.
                        if was_long {
                            state.check_within(SWEEP);
                        }
                        if let Some(link) = &mut state.workers[worker]
                            && Arc::ptr_eq(&link.region, &region)
                        {
                            link.has_sleeper = false;
                            link.region.bells.0.done.disarm();
                        }
                    });
                }
                Next::Park => match left(deadline) {
                    None => thread::park(),
                    Some(left) => thread::park_timeout(left),
                },
            }
            if left(deadline).is_some_and(|left| left.is_zero()) {
                return self.with(|state| give_up(state, key));
            }
        }
    }
}

fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

fn next(state: &mut State, key: JobKey, spun: bool) -> Next {
    loop {
        // Collecting may already have delivered it.
        if let Some(outcome) = state.take_result(key) {
            return Next::Done(outcome);
        }
        let Some(Stage::Assigned { worker, batch }) = state.stage(key) else {
            return park(state, key);
        };
        state.collect_from(worker);
        if let Some(outcome) = state.take_result(key) {
            return Next::Done(outcome);
        }
        let Some(link) = &mut state.workers[worker] else {
            return park(state, key);
        };
        if !spun && link.is_awake && link.spin_pause == 0 {
            return Next::Spin(Arc::clone(&link.region), batch, worker);
        }
        if link.has_sleeper || link.is_killed() {
            return park(state, key);
        }
        link.spin_pause = link.spin_pause.saturating_sub(1);
        link.region.bells.0.done.arm();
        let region = Arc::clone(&link.region);
        // Events before the arming rang no bell.
        if state.collect_from(worker) {
            region.bells.0.done.disarm();
            continue;
        }
        if let Some(link) = &mut state.workers[worker] {
            link.has_sleeper = true;
        }
        return Next::Sleep(region, worker);
    }
}

/// Registers this thread for a wake-up by the supervisor, unless the result is there.
fn park(state: &mut State, key: JobKey) -> Next {
    let _ = state.watch(key, Waiter::Thread(thread::current()));
    state.dispatch();
    state.take_result(key).map_or(Next::Park, Next::Done)
}

/// Gives up after the deadline. The result may have come at the last moment.
fn give_up(state: &mut State, key: JobKey) -> Option<RawResult> {
    let _ = state.watch(key, Waiter::None);
    state.take_result(key)
}

/// Spins on the slot. Returns `false` if the worker did not finish.
fn spin(region: &Region, batch: u64) -> bool {
    let slot = &region.slots[batch as usize % SLOTS];
    bell::spin_until(|| !slot.is_under_way())
}
