//! The thread's side of a recording: its clocks, and a lane of each recorder that it works for.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::clocks::{Clocks, Reading};
use crate::lane::Lane;
use crate::record::Record;
use crate::shared::Shared;

/// A lane in the hands of its thread, closed when the thread ends.
#[derive(Debug)]
struct Held {
    owner: Weak<Shared>,
    lane: Arc<Lane>,
    /// Whether a task of this recorder runs on the thread now.
    is_inside: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.upgrade() {
            owner.retire(&self.lane);
        }
    }
}

#[derive(Debug, Default)]
struct Local {
    clocks: Clocks,
    lanes: Vec<Held>,
}

impl Local {
    fn held(&mut self, shared: &Arc<Shared>) -> &mut Held {
        let place = self
            .lanes
            .iter()
            .position(|held| held.owner.as_ptr() == Arc::as_ptr(shared));
        let place = place.unwrap_or_else(|| {
            // Recorders that are gone would pile up on a long-lived thread.
            self.lanes.retain(|held| held.owner.strong_count() > 0);
            self.lanes.push(Held {
                owner: Arc::downgrade(shared),
                lane: shared.open_lane(),
                is_inside: false,
            });
            self.lanes.len() - 1
        });
        &mut self.lanes[place]
    }
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::default();
}

/// Calls `with` with the state of this thread, or with a passing one while the thread's own is
/// being destroyed.
fn local<T>(with: impl Fn(&mut Local) -> T) -> T {
    LOCAL
        .try_with(|local| with(&mut local.borrow_mut()))
        .unwrap_or_else(|_| with(&mut Local::default()))
}

/// Begins a task on this thread; `None` inside another one.
pub(crate) fn begin(shared: &Arc<Shared>) -> Option<Reading> {
    local(|local| {
        let held = local.held(shared);
        if held.is_inside {
            held.lane.nested.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        held.is_inside = true;
        held.lane.started.fetch_add(1, Ordering::Relaxed);
        Some(local.clocks.read())
    })
}

/// Goes on with a task that has begun; `None` inside another one.
pub(crate) fn resume(shared: &Arc<Shared>) -> Option<Reading> {
    local(|local| {
        let held = local.held(shared);
        if held.is_inside {
            return None;
        }
        held.is_inside = true;
        Some(local.clocks.read())
    })
}

/// Leaves a task that has begun or gone on here.
pub(crate) fn pause(shared: &Arc<Shared>) -> Reading {
    local(|local| {
        let reading = local.clocks.read();
        local.held(shared).is_inside = false;
        reading
    })
}

/// Keeps a task that has ended here.
pub(crate) fn keep(shared: &Arc<Shared>, record: Record) {
    local(|local| local.held(shared).lane.push(record, shared.sink()));
}

/// Leaves a task that began here, and keeps what `record` makes of the reading.
pub(crate) fn end(shared: &Arc<Shared>, record: impl Fn(Reading) -> Record) {
    local(|local| {
        let reading = local.clocks.read();
        let held = local.held(shared);
        held.is_inside = false;
        held.lane.push(record(reading), shared.sink());
    });
}
