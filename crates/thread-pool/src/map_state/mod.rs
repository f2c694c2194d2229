//! One `map`: who takes part in it, and when it is over.
//!
//! | file | what it holds |
//! |---|---|
//! | `slots.rs` | the inputs and the places of the results; how inputs are claimed |
//! | `pace.rs` | how many are claimed at a time |
//!
//! Taking part needs a *seat*, handed out with the queue entries. A map is over when nobody works on it and nothing is
//! left to claim, or when the last seat is given back without anybody having come: the entries were cancelled.
//!
//! Inputs are claimed only by who is counted as active. So when nobody is active, under the lock, all results of claimed
//! inputs are in their places, and whoever locks after that sees them.

mod pace;
mod slots;

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::panic::drop_contained;
use crate::shared::Shared;
use crate::sync::{Condvar, Mutex};
use crate::{JobError, lock};
use pace::Pace;
use slots::{Claim, Slots};

/// Why inputs were left undone.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    Cancelled,
    WouldDeadlock,
}

impl Stop {
    fn error(self, pool: &Shared) -> JobError {
        match self {
            Self::Cancelled => pool.cancel_error(),
            Self::WouldDeadlock => JobError::WouldDeadlock,
        }
    }
}

/// A map as its handle sees it.
pub(crate) trait MapJob<R>: Send + Sync {
    /// Works on the map on this thread until nothing is left to claim, if the limit allows one more. Never unwinds.
    fn take_part(&self);

    /// Drops what nobody has claimed. Never unwinds.
    fn stop(&self, reason: Stop);

    /// Takes the results, blocking until `deadline`, or for as long as it takes.
    fn wait_until(&self, deadline: Option<Instant>) -> Option<Vec<Result<R, JobError>>>;

    fn is_finished(&self) -> bool;
}

pub(crate) struct MapState<T, R, F> {
    slots: Slots<T, R>,
    inner: Mutex<Inner<F>>,
    finished: Condvar,
    limit: usize,
    chunk: Option<NonZeroUsize>,
    pool: Arc<Shared>,
}

struct Inner<F> {
    /// Gone once the map is over.
    f: Option<Arc<F>>,
    /// How many work on it now; never more than the limit.
    active: usize,
    seats: usize,
    /// Whether somebody drops what was left when the map was stopped.
    discarding: bool,
    /// How many inputs were claimed when the map was stopped, and why it was.
    stopped: Option<(usize, Stop)>,
    finished: bool,
    /// Whether the results have been moved out.
    taken: bool,
}

impl<T, R, F> MapState<T, R, F>
where
    F: Fn(T) -> R,
{
    pub(crate) fn new(
        inputs: Vec<T>,
        f: F,
        limit: usize,
        chunk: Option<NonZeroUsize>,
        pool: Arc<Shared>,
    ) -> Self {
        Self {
            slots: Slots::new(inputs),
            pool,
            limit,
            chunk,
            finished: Condvar::new(),
            inner: Mutex::new(Inner {
                f: Some(Arc::new(f)),
                active: 0,
                seats: 0,
                discarding: false,
                stopped: None,
                finished: false,
                taken: false,
            }),
        }
    }

    /// The function, if there is something to do and room for one more.
    fn join(&self) -> Option<Arc<F>> {
        let mut inner = lock(&self.inner);
        if inner.active == self.limit || self.slots.unclaimed() == 0 {
            return None;
        }
        let f = inner.f.clone()?;
        inner.active += 1;
        Some(f)
    }

    /// Works on what can be claimed.
    fn work(&self, f: &F) {
        if let Some(chunk) = self.chunk {
            while self.goes_on()
                && let Some(claim) = self.slots.claim(chunk.get())
            {
                claim.run(f);
            }
        } else {
            let mut pace = Pace::new();
            while self.goes_on()
                && let Some(claim) = self
                    .slots
                    .claim(pace.size(self.slots.unclaimed(), self.limit))
            {
                let len = claim.len();
                claim.run(f);
                pace.adapt(len);
            }
        }
    }

    /// Whether a shutdown lets this map go on; stops it if not.
    fn goes_on(&self) -> bool {
        let goes_on = !self.pool.is_cancelling();
        if !goes_on {
            self.stop_claims(Stop::Cancelled);
        }
        goes_on
    }

    /// Lets nobody claim any more, and drops what is left.
    fn stop_claims(&self, reason: Stop) {
        let rest = self.close(&mut lock(&self.inner), reason);
        if rest.len() > 0 {
            // Who drops them is counted, so that the map is not over before they are dropped.
            rest.discard();
            lock(&self.inner).discarding = false;
        }
    }

    /// Lets nobody claim any more, and notes where that was, before anybody can take the map for done.
    fn close(&self, inner: &mut Inner<F>, reason: Stop) -> Claim<'_, T, R> {
        let rest = self.slots.close();
        if rest.len() > 0 {
            // Once at most: from now on nothing is left.
            inner.stopped = Some((rest.first(), reason));
            inner.discarding = true;
        }
        rest
    }

    /// Ends the map if it is over. All that the user gave is dropped before a waiter can see the end.
    fn end_if_over(&self) {
        let (f, rest) = {
            let mut inner = lock(&self.inner);
            let nothing_comes = self.slots.unclaimed() == 0 || inner.seats == 0;
            if inner.active > 0 || inner.discarding || !nothing_comes {
                return;
            }
            // Taken by the first who comes here, who is the one to end it. Nobody takes part any more.
            let Some(f) = inner.f.take() else { return };
            (f, self.close(&mut inner, Stop::Cancelled))
        };
        drop_contained(f);
        rest.discard();
        lock(&self.inner).finished = true;
        self.finished.notify_all();
    }
}

impl<F> Inner<F> {
    /// How many results there are, of so many, once nobody works on the map any more.
    fn done(&self, total: usize) -> usize {
        self.stopped.map_or(total, |(claimed, _)| claimed)
    }
}

impl<T, R, F> MapJob<R> for MapState<T, R, F>
where
    T: Send,
    R: Send,
    F: Fn(T) -> R + Send + Sync,
{
    fn take_part(&self) {
        let Some(f) = self.join() else {
            return self.end_if_over();
        };
        self.work(&f);
        // Before this worker is counted out: the last one drops the function itself.
        drop_contained(f);
        lock(&self.inner).active -= 1;
        self.end_if_over();
    }

    fn stop(&self, reason: Stop) {
        self.stop_claims(reason);
        self.end_if_over();
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Option<Vec<Result<R, JobError>>> {
        let mut inner = lock(&self.inner);
        while !inner.finished {
            inner = match deadline {
                None => self
                    .finished
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.finished
                        .wait_timeout(inner, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        let total = self.slots.total();
        let mut results = Vec::new();
        if !inner.taken {
            inner.taken = true;
            #[allow(unsafe_code, reason = "see `slots.rs`")]
            // SAFETY: The map is over: nobody works on it, and what was claimed is done. Under the lock it is done once.
            unsafe {
                results = self.slots.take_results(inner.done(total));
            }
        }
        let stopped = inner.stopped;
        drop(inner);
        if let Some((_, reason)) = stopped {
            results.resize_with(total, || Err(reason.error(&self.pool)));
        }
        Some(results)
    }

    fn is_finished(&self) -> bool {
        lock(&self.inner).finished
    }
}

impl<T, R, F> Drop for MapState<T, R, F> {
    fn drop(&mut self) {
        let rest = self.slots.close();
        let (done, taken) = {
            let inner = lock(&self.inner);
            (inner.done(rest.first()), inner.taken)
        };
        rest.discard();
        #[allow(unsafe_code, reason = "see `slots.rs`")]
        // SAFETY: Nobody else has the map any more, so what was claimed is done, and what was not is dropped.
        let unwanted = unsafe {
            self.slots.free_inputs();
            (!taken).then(|| self.slots.take_results(done))
        };
        // Results that nobody came for, dropped by whoever holds the map last: often a worker.
        unwanted.into_iter().flatten().for_each(drop_contained);
    }
}

/// The right to take part in a map, given back when dropped: used, or cancelled with its queue entry.
pub(crate) struct Seat<T, R, F>
where
    F: Fn(T) -> R,
{
    map: Arc<MapState<T, R, F>>,
}

impl<T, R, F> Seat<T, R, F>
where
    F: Fn(T) -> R,
{
    pub(crate) fn new(map: &Arc<MapState<T, R, F>>) -> Self {
        lock(&map.inner).seats += 1;
        Self {
            map: Arc::clone(map),
        }
    }
}

impl<T, R, F> Seat<T, R, F>
where
    T: Send,
    R: Send,
    F: Fn(T) -> R + Send + Sync,
{
    pub(crate) fn take_part(&self) {
        self.map.take_part();
    }
}

impl<T, R, F> Drop for Seat<T, R, F>
where
    F: Fn(T) -> R,
{
    fn drop(&mut self) {
        lock(&self.map.inner).seats -= 1;
        self.map.end_if_over();
    }
}
