//! One `map`: who claims which inputs, and how the results come together.
//!
//! Every worker that takes part claims the next few inputs under one lock, works on them without it, and keeps its
//! results to itself until nothing is left to claim. So there is one lock per chunk and none per input, and a claim
//! moves the inputs out without unsafe code. The results are put in order by whoever waits.
//!
//! Taking part needs a *seat*, handed out with the queue entries. A map is over when nobody works on it and nothing is
//! left to claim, or when the last seat is given back without anybody having come: the entries were cancelled.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{mem, vec};

use crate::lock;
use crate::panic::drop_contained;
use crate::shared::Shared;
use crate::{JobError, TaskPanic};

/// Claimed chunks grow while they take less than this. It is some hundred times the price of a claim.
const SHORT: Duration = Duration::from_micros(20);
/// Chunks that took longer than this fall back to what would have fitted into it.
const LONG: Duration = Duration::from_micros(100);
/// No chunk of our own choice is larger: so many inputs, at most, may turn out to be long ones that nobody can share.
const MAX_CHUNK: usize = 128;

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
    inner: Mutex<Inner<T, R, F>>,
    finished: Condvar,
    total: usize,
    limit: usize,
    chunk: Option<NonZeroUsize>,
    pool: Arc<Shared>,
}

struct Inner<T, R, F> {
    unclaimed: vec::IntoIter<T>,
    /// The index of the first input that nobody has claimed.
    next: usize,
    /// Gone once the map is over.
    f: Option<Arc<F>>,
    /// How many work on it now; never more than the limit.
    active: usize,
    seats: usize,
    stopped: Stop,
    parts: Vec<Part<R>>,
    finished: bool,
}

impl<T, R, F> Drop for Inner<T, R, F> {
    fn drop(&mut self) {
        // Results that nobody came for, dropped by whoever holds the map last: often a worker.
        for part in self.parts.drain(..) {
            part.results.into_iter().for_each(drop_contained);
        }
    }
}

/// What one worker did.
struct Part<R> {
    results: Vec<Result<R, JobError>>,
    /// The index of the first input, and the number of inputs, of each stretch of the results.
    runs: Vec<(usize, usize)>,
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
            total: inputs.len(),
            pool,
            limit,
            chunk,
            finished: Condvar::new(),
            inner: Mutex::new(Inner {
                unclaimed: inputs.into_iter(),
                next: 0,
                f: Some(Arc::new(f)),
                active: 0,
                seats: 0,
                stopped: Stop::Cancelled,
                parts: Vec::new(),
                finished: false,
            }),
        }
    }

    /// The function, if there is something to do and room for one more.
    fn join(&self) -> Option<Arc<F>> {
        let mut inner = lock(&self.inner);
        if inner.active == self.limit || inner.unclaimed.len() == 0 {
            return None;
        }
        let f = inner.f.clone()?;
        inner.active += 1;
        Some(f)
    }

    /// Moves the next chunk into `chunk` and returns the index of its first input.
    fn claim(&self, pace: &Pace, chunk: &mut Vec<T>) -> usize {
        let mut inner = lock(&self.inner);
        let first = inner.next;
        let size = match self.chunk {
            Some(size) => size.get(),
            // Towards the end chunks shrink, so that all end together.
            None => pace
                .size
                .min(inner.unclaimed.len() / (4 * self.limit))
                .max(1),
        };
        chunk.extend(inner.unclaimed.by_ref().take(size));
        inner.next += chunk.len();
        first
    }

    /// Ends the map if it is over. All that the user gave is dropped before a waiter can see the end.
    fn end_if_over(&self) {
        let (f, unclaimed) = {
            let mut inner = lock(&self.inner);
            let nothing_comes = inner.unclaimed.len() == 0 || inner.seats == 0;
            if inner.active > 0 || !nothing_comes {
                return;
            }
            // Taken by the first who comes here, who is the one to end it.
            let Some(f) = inner.f.take() else { return };
            (f, mem::take(&mut inner.unclaimed))
        };
        drop_contained(f);
        unclaimed.for_each(drop_contained);
        lock(&self.inner).finished = true;
        self.finished.notify_all();
    }

    /// Puts the parts in the order of the inputs.
    fn collect(&self, mut parts: Vec<Part<R>>, undone: Stop) -> Vec<Result<R, JobError>> {
        let mut results = match &mut parts[..] {
            // All done by one worker: as it should be already.
            [only] => mem::take(&mut only.results),
            _ => {
                let mut runs: Vec<(usize, usize, usize)> = Vec::new();
                for (place, part) in parts.iter().enumerate() {
                    runs.extend(part.runs.iter().map(|&(first, len)| (first, len, place)));
                }
                // Each part is in order, which this sort uses.
                runs.sort();
                let mut parts: Vec<_> = parts
                    .into_iter()
                    .map(|part| part.results.into_iter())
                    .collect();
                let mut results = Vec::with_capacity(self.total);
                for (_, len, place) in runs {
                    results.extend(parts[place].by_ref().take(len));
                }
                results
            }
        };
        results.resize_with(self.total, || Err(undone.error(&self.pool)));
        results
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
        let mut part = Part {
            results: Vec::new(),
            runs: Vec::new(),
        };
        let mut chunk = Vec::new();
        let mut pace = Pace { size: 1 };
        loop {
            if self.pool.is_cancelling() {
                self.stop(Stop::Cancelled);
            }
            let first = self.claim(&pace, &mut chunk);
            if chunk.is_empty() {
                break;
            }
            if self.chunk.is_some() {
                part.run(first, &mut chunk, &*f);
            } else {
                let len = chunk.len();
                let start = Instant::now();
                part.run(first, &mut chunk, &*f);
                pace.adapt(len, start.elapsed());
            }
        }
        // Before this worker is counted out: the last one drops the function itself.
        drop_contained(f);
        {
            let mut inner = lock(&self.inner);
            inner.parts.push(part);
            inner.active -= 1;
        }
        self.end_if_over();
    }

    fn stop(&self, reason: Stop) {
        let unclaimed = {
            let mut inner = lock(&self.inner);
            if inner.unclaimed.len() > 0 {
                inner.stopped = reason;
            }
            mem::take(&mut inner.unclaimed)
        };
        unclaimed.for_each(drop_contained);
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
        let parts = mem::take(&mut inner.parts);
        let undone = inner.stopped;
        drop(inner);
        Some(self.collect(parts, undone))
    }

    fn is_finished(&self) -> bool {
        lock(&self.inner).finished
    }
}

impl<R> Part<R> {
    /// Calls `f` on each input of the chunk. A panic is the error of its own input; the chunk goes on behind it.
    fn run<T>(&mut self, first: usize, chunk: &mut Vec<T>, f: impl Fn(T) -> R) {
        match self.runs.last_mut() {
            Some((before, len)) if *before + *len == first => *len += chunk.len(),
            _ => self.runs.push((first, chunk.len())),
        }
        self.results.reserve(chunk.len());
        let mut inputs = chunk.drain(..);
        // One frame that catches for as many inputs as do not panic.
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
            for input in inputs.by_ref() {
                let result = f(input);
                self.results.push(Ok(result));
            }
        })) {
            self.results
                .push(Err(JobError::Panicked(TaskPanic::new(payload))));
        }
    }
}

/// How many inputs one worker claims at a time, when the user left it to us.
struct Pace {
    size: usize,
}

impl Pace {
    fn adapt(&mut self, len: usize, took: Duration) {
        if took < SHORT {
            // From what was really claimed, which the end of the inputs may have cut short.
            self.size = (2 * len).clamp(self.size, MAX_CHUNK);
        } else if took > LONG {
            let fits = LONG.as_nanos() * len as u128 / took.as_nanos();
            self.size = usize::try_from(fits)
                .unwrap_or(MAX_CHUNK)
                .clamp(1, MAX_CHUNK);
        }
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
