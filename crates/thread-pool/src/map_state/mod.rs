//! The state of one `map`: which workers take part in it, and when it has ended.
//!
//! | file | contents |
//! |---|---|
//! | `slots.rs` | the inputs and the slots of the results; how inputs are claimed |
//! | `chunk_size.rs` | how many inputs are claimed at a time |
//!
//! Taking part needs a [`Helper`], which each queue entry holds. A map has ended when no worker is
//! active and no input is unclaimed, or when the last helper is dropped unused because the entries
//! were cancelled.
//!
//! Only workers counted as active claim inputs. So if no worker is active, under the lock, all
//! results of claimed inputs are in their slots, and any later holder of the lock sees them.

mod chunk_size;
mod slots;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use crate::error::JobError;
use crate::panic::drop_quietly;
use crate::shared::Shared;
use crate::sync::{Condvar, Mutex, lock, wait_until};
use chunk_size::ChunkSize;
use slots::{Claim, Slots};

/// The reason why inputs were not processed.
#[derive(Clone, Copy)]
pub(crate) enum StopReason {
    Cancelled,
    WouldDeadlock,
}

impl StopReason {
    fn error(self, pool: &Shared) -> JobError {
        match self {
            Self::Cancelled => pool.cancel_error(),
            Self::WouldDeadlock => JobError::WouldDeadlock,
        }
    }
}

/// A map as its handle sees it, whatever the types of inputs and function.
pub(crate) trait AnyMap<R>: Send + Sync {
    /// Processes inputs on this thread until none is unclaimed, if the limit allows another worker.
    /// Never unwinds.
    fn take_part(&self);

    /// Drops the unclaimed inputs. Never unwinds.
    fn stop(&self, reason: StopReason);

    /// Takes the results, blocking until `deadline` or, without one, until the map has ended.
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
    /// `None` once the map has ended.
    f: Option<Arc<F>>,
    /// The number of workers that process inputs now; never above the limit.
    active: usize,
    helpers: usize,
    /// Whether a thread is dropping the inputs that were unclaimed when the map was stopped.
    discarding: bool,
    /// The number of inputs that were claimed when the map was stopped, and the reason.
    stopped: Option<(usize, StopReason)>,
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
                helpers: 0,
                discarding: false,
                stopped: None,
                finished: false,
                taken: false,
            }),
        }
    }

    /// Returns the function if inputs are unclaimed and the limit allows another worker.
    fn join(&self) -> Option<Arc<F>> {
        let mut inner = lock(&self.inner);
        if inner.active == self.limit || self.slots.unclaimed() == 0 {
            return None;
        }
        let f = inner.f.clone()?;
        inner.active += 1;
        Some(f)
    }

    /// Claims and processes inputs.
    fn work(&self, f: &F) {
        if let Some(chunk) = self.chunk {
            while self.may_continue()
                && let Some(claim) = self.slots.claim(chunk.get())
            {
                claim.run(f);
            }
        } else {
            let mut chunk = ChunkSize::new();
            while self.may_continue()
                && let Some(claim) = self
                    .slots
                    .claim(chunk.size(self.slots.unclaimed(), self.limit))
            {
                let len = claim.len();
                claim.run(f);
                chunk.adapt(len);
            }
        }
    }

    /// Whether the map may continue. Stops it if a shutdown cancels.
    fn may_continue(&self) -> bool {
        let may_continue = !self.pool.is_cancelling();
        if !may_continue {
            self.stop_claims(StopReason::Cancelled);
        }
        may_continue
    }

    /// Prevents further claims and drops the unclaimed inputs.
    fn stop_claims(&self, reason: StopReason) {
        let rest = self.close(&mut lock(&self.inner), reason);
        if rest.len() > 0 {
            // `discarding` keeps the map from ending before they are dropped.
            rest.discard();
            lock(&self.inner).discarding = false;
        }
    }

    /// Prevents further claims, and records their end before the map can be seen as ended.
    fn close(&self, inner: &mut Inner<F>, reason: StopReason) -> Claim<'_, T, R> {
        let rest = self.slots.close();
        if rest.len() > 0 {
            // Happens at most once, since nothing is unclaimed from now on.
            inner.stopped = Some((rest.first(), reason));
            inner.discarding = true;
        }
        rest
    }

    /// Ends the map if nothing is left to do. Drops all values of the user before a waiter can see
    /// the end.
    fn end_if_over(&self) {
        let (f, rest) = {
            let mut inner = lock(&self.inner);
            let nothing_comes = self.slots.unclaimed() == 0 || inner.helpers == 0;
            if inner.active > 0 || inner.discarding || !nothing_comes {
                return;
            }
            // The first thread here takes the function and ends the map. No worker can join any
            // more.
            let Some(f) = inner.f.take() else { return };
            (f, self.close(&mut inner, StopReason::Cancelled))
        };
        drop_quietly(f);
        rest.discard();
        lock(&self.inner).finished = true;
        self.finished.notify_all();
    }
}

impl<F> Inner<F> {
    /// The number of results, of `total` inputs, once no worker is active.
    fn done(&self, total: usize) -> usize {
        self.stopped.map_or(total, |(claimed, _)| claimed)
    }
}

impl<T, R, F> AnyMap<R> for MapState<T, R, F>
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
        // Dropped before this worker stops counting as active, so that the last one drops the
        // function itself.
        drop_quietly(f);
        lock(&self.inner).active -= 1;
        self.end_if_over();
    }

    fn stop(&self, reason: StopReason) {
        self.stop_claims(reason);
        self.end_if_over();
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Option<Vec<Result<R, JobError>>> {
        let mut inner = lock(&self.inner);
        while !inner.finished {
            let in_time;
            (inner, in_time) = wait_until(&self.finished, inner, deadline);
            if !in_time {
                return None;
            }
        }
        let total = self.slots.total();
        let mut results = Vec::new();
        if !inner.taken {
            inner.taken = true;
            #[allow(unsafe_code, reason = "see `slots.rs`")]
            // SAFETY: The map has ended: no worker is active, and all claimed inputs are processed.
            // `taken`, under the lock, makes it happen once.
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
        // SAFETY: This is the last reference, so all claimed inputs are processed, and the others
        // dropped.
        let unwanted = unsafe {
            self.slots.free_inputs();
            (!taken).then(|| self.slots.take_results(done))
        };
        // Results that were never taken are dropped by the last holder of the map, often a worker.
        unwanted.into_iter().flatten().for_each(drop_quietly);
    }
}

/// The right to take part in a map, returned when dropped: after use, or with a cancelled queue
/// entry.
pub(crate) struct Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    map: Arc<MapState<T, R, F>>,
}

impl<T, R, F> Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    pub(crate) fn new(map: &Arc<MapState<T, R, F>>) -> Self {
        lock(&map.inner).helpers += 1;
        Self {
            map: Arc::clone(map),
        }
    }
}

impl<T, R, F> Helper<T, R, F>
where
    T: Send,
    R: Send,
    F: Fn(T) -> R + Send + Sync,
{
    pub(crate) fn take_part(&self) {
        self.map.take_part();
    }
}

impl<T, R, F> Drop for Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    fn drop(&mut self) {
        lock(&self.map.inner).helpers -= 1;
        self.map.end_if_over();
    }
}
