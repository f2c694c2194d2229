//! `try_map` and `try_map_with`: all results, or the first failure.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::TryMapError;
use crate::panic::drop_quietly;
use crate::stop::Stop;
use crate::threads::Threads;

impl Threads {
    /// Runs `f` on each input in a separate thread and returns all results in order, or stops at
    /// the first failure.
    ///
    /// After a task fails or panics, no further task starts; running tasks are waited for. The
    /// returned failure is the first one in time. To keep the results so far, use
    /// [`map`](Self::map) with a [`Stop`].
    ///
    /// ```
    /// use effective_threads::{Threads, TryMapError};
    ///
    /// let parsed = Threads::new().try_map(["12", "x"], |text| text.parse::<u32>());
    /// assert!(matches!(parsed, Err(TryMapError::Failed { index: 1, .. })));
    /// ```
    ///
    /// # Errors
    /// [`TryMapError::Failed`] with the error of a task; [`TryMapError::Task`] if a task panicked
    /// or, without a failure, if a task could not start.
    ///
    /// # Panics
    /// If the iterator does, before any task has started.
    pub fn try_map<I, R, E, F>(&self, inputs: I, f: F) -> Result<Vec<R>, TryMapError<E>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        E: Send,
        F: Fn(I::Item) -> Result<R, E> + Sync,
    {
        self.try_map_with(inputs, |input, _| f(input))
    }

    /// [`try_map`](Self::try_map) that passes the token of the call to its tasks, so that they can
    /// return early after the first failure, at the deadline or after a stop. If they return an
    /// error then, the call still returns the failure that was first.
    ///
    /// # Errors, panics
    /// As for [`try_map`](Self::try_map).
    pub fn try_map_with<I, R, E, F>(&self, inputs: I, f: F) -> Result<Vec<R>, TryMapError<E>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        E: Send,
        F: Fn(I::Item, &Stop) -> Result<R, E> + Sync,
    {
        let first = AtomicUsize::new(NONE);
        let results = self.collect(inputs, |index, input, stop| {
            let mut guard = FailureGuard {
                index,
                first: &first,
                stop,
                failed: true,
            };
            let result = f(input, stop);
            guard.failed = result.is_err();
            result
        });
        let failed = match first.into_inner() {
            NONE => results
                .iter()
                .position(|result| !matches!(result, Ok(Ok(_)))),
            first => Some(first),
        };
        let Some(failed) = failed else {
            return Ok(results.into_iter().flatten().flatten().collect());
        };
        let mut failure = None;
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(Err(error)) if index == failed => {
                    failure = Some(TryMapError::Failed { index, error });
                }
                Err(error) if index == failed => failure = Some(TryMapError::Task { index, error }),
                // A destructor that panics here must not hide the failure.
                other => drop_quietly(other),
            }
        }
        Err(failure.expect("the result that made it fail is an error"))
    }
}

const NONE: usize = usize::MAX;

/// Records the first failure, even if by a panic, and then stops the call. In this order, so that
/// an error returned because of the stop is never recorded as the first.
struct FailureGuard<'a> {
    index: usize,
    first: &'a AtomicUsize,
    stop: &'a Stop,
    failed: bool,
}

impl Drop for FailureGuard<'_> {
    fn drop(&mut self) {
        if self.failed {
            // Relaxed: `stop` orders it before all failures that the stop causes, and the join
            // orders it before the read.
            let _ =
                self.first
                    .compare_exchange(NONE, self.index, Ordering::Relaxed, Ordering::Relaxed);
            self.stop.stop();
        }
    }
}
