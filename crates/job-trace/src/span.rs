//! A closure that is recorded, from its call to its return or panic.

use std::sync::Arc;

use crate::clocks::Reading;
use crate::record::{Outcome, Record};
use crate::shared::Shared;
use crate::thread;

/// Records the task when it is dropped, so that a panic is recorded too.
pub(crate) struct Span<'a> {
    shared: &'a Arc<Shared>,
    start: Option<Reading>,
    outcome: Outcome,
}

impl<'a> Span<'a> {
    pub(crate) fn begin(shared: &'a Arc<Shared>) -> Span<'a> {
        Span {
            shared,
            start: thread::begin(shared),
            outcome: Outcome::Panicked,
        }
    }

    pub(crate) fn done(mut self) {
        self.outcome = Outcome::Done;
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        let Some(start) = self.start else {
            return;
        };
        thread::end(self.shared, |end| {
            let (start_ns, end_ns) = (
                self.shared.since_created(start.at),
                self.shared.since_created(end.at),
            );
            // The clocks are read one after another, so their sum may be over by a little.
            let wall_ns = end_ns - start_ns;
            let cpu_ns = end.cpu_ns.saturating_sub(start.cpu_ns).min(wall_ns);
            let queued_ns = end.queued_ns.saturating_sub(start.queued_ns);
            Record {
                start_ns,
                end_ns,
                cpu_ns,
                queued_ns: queued_ns.min(wall_ns - cpu_ns),
                switches: end.waits.saturating_sub(start.waits),
                pendings: None,
                outcome: self.outcome,
            }
        });
    }
}
