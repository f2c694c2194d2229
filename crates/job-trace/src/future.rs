//! A future that is recorded, from its first poll until it is ready, panics or is dropped.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::clocks::{Reading, ns};
use crate::record::{Outcome, Record};
use crate::shared::Shared;
use crate::thread;
use crate::waker::NotingWaker;

pub(crate) async fn record<F: Future>(mut polls: Polls, future: F) -> F::Output {
    // Dropped before `polls`, which therefore records the end of a cancelled future last.
    let mut future = pin!(future);
    poll_fn(|context| polls.poll(context, |context| future.as_mut().poll(context))).await
}

/// The polls of a future. Records the task when it is dropped, so that a future that is cancelled
/// or panics is recorded too.
pub(crate) struct Polls {
    shared: Arc<Shared>,
    state: State,
    noting: Arc<NotingWaker>,
    waker: Waker,
}

enum State {
    NotPolled,
    /// Its first poll was inside another task, of which it is a part.
    Nested,
    Begun(Sums),
}

struct Sums {
    start: Instant,
    /// The end of the last poll.
    paused: Instant,
    cpu_ns: u64,
    queued_ns: u64,
    switches: u64,
    pendings: u64,
    outcome: Outcome,
}

impl Polls {
    pub(crate) fn new(shared: Arc<Shared>) -> Polls {
        let noting = Arc::new(NotingWaker::default());
        Polls {
            shared,
            state: State::NotPolled,
            waker: Waker::from(Arc::clone(&noting)),
            noting,
        }
    }

    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let begun = match &mut self.state {
            State::NotPolled => {
                let begun = thread::begin(&self.shared);
                self.state =
                    begun.map_or(State::Nested, |reading| State::Begun(Sums::at(reading.at)));
                begun
            }
            State::Nested => None,
            State::Begun(_) => thread::resume(&self.shared),
        };
        let (Some(begun), State::Begun(sums)) = (begun, &mut self.state) else {
            return poll(context);
        };
        let woken = self.noting.pass_to(context.waker());
        if let Some(woken) = woken {
            // A future that wakes itself does so before its poll ends.
            sums.queued_ns += ns(begun.at.saturating_duration_since(woken.max(sums.paused)));
        }
        let mut during = During {
            shared: &self.shared,
            begun,
            sums,
            outcome: Outcome::Panicked,
        };
        let polled = poll(&mut Context::from_waker(&self.waker));
        during.outcome = if polled.is_ready() {
            Outcome::Done
        } else {
            Outcome::Cancelled
        };
        polled
    }
}

impl Sums {
    fn at(start: Instant) -> Sums {
        Sums {
            start,
            paused: start,
            cpu_ns: 0,
            queued_ns: 0,
            switches: 0,
            pendings: 0,
            outcome: Outcome::Cancelled,
        }
    }
}

/// One poll; adds it up when it is dropped, so that a poll that panics counts too.
struct During<'a> {
    shared: &'a Arc<Shared>,
    begun: Reading,
    sums: &'a mut Sums,
    /// The outcome of the future if it is not polled again.
    outcome: Outcome,
}

impl Drop for During<'_> {
    fn drop(&mut self) {
        let end = thread::pause(self.shared);
        let sums = &mut *self.sums;
        sums.paused = end.at;
        sums.cpu_ns += end.cpu_ns.saturating_sub(self.begun.cpu_ns);
        sums.queued_ns += end.queued_ns.saturating_sub(self.begun.queued_ns);
        sums.switches += end.waits.saturating_sub(self.begun.waits);
        sums.pendings += u64::from(self.outcome == Outcome::Cancelled);
        sums.outcome = self.outcome;
    }
}

impl Drop for Polls {
    fn drop(&mut self) {
        let sums = match &self.state {
            State::Nested => return,
            State::NotPolled => {
                // In no other task: nothing has been counted for it.
                let Some(reading) = thread::begin(&self.shared) else {
                    return;
                };
                thread::pause(&self.shared);
                &Sums::at(reading.at)
            }
            State::Begun(sums) => sums,
        };
        // A future that is cancelled was waiting until now.
        let end = match sums.outcome {
            Outcome::Cancelled if sums.pendings > 0 => Instant::now(),
            _ => sums.paused,
        };
        let (start_ns, end_ns) = (
            self.shared.since_created(sums.start),
            self.shared.since_created(end),
        );
        let wall_ns = end_ns - start_ns;
        let cpu_ns = sums.cpu_ns.min(wall_ns);
        let record = Record {
            start_ns,
            end_ns,
            cpu_ns,
            queued_ns: sums.queued_ns.min(wall_ns - cpu_ns),
            switches: sums.switches,
            pendings: Some(sums.pendings),
            outcome: sums.outcome,
        };
        thread::keep(&self.shared, record);
    }
}
