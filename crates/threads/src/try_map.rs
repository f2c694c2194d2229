use std::sync::atomic::{AtomicUsize, Ordering};

use crate::panic::drop_quietly;
use crate::{Stop, Threads, TryMapError};

impl Threads {
    /// Run `f` on each input in a thread of its own and return all results in order, or stop at the first failure.
    ///
    /// After a task fails or panics no further one starts: each thread looks right before it runs its task. Those under way
    /// are waited for. The failure returned is the
    /// one that came first in time. To keep what had been done by then, use [`map`](Self::map) with a [`Stop`].
    ///
    /// ```
    /// use effective_threads::{Threads, TryMapError};
    ///
    /// let parsed = Threads::new().try_map(["12", "x"], |text| text.parse::<u32>());
    /// assert!(matches!(parsed, Err(TryMapError::Failed { index: 1, .. })));
    /// ```
    ///
    /// # Errors
    /// [`TryMapError::Failed`] with the error of a task; [`TryMapError::Task`] when a task panicked, or, without any
    /// failure, when one could not start.
    ///
    /// # Panics
    /// When the iterator does, before anything has started.
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

    /// [`try_map`](Self::try_map) whose tasks see when they should end early: after the first failure, at the deadline,
    /// or when stopped. They may return an error then; the failure that was first is returned all the same.
    ///
    /// # Errors, panics
    /// As of [`try_map`](Self::try_map).
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
            let mut fuse = Fuse {
                index,
                first: &first,
                stop,
                failed: true,
            };
            let result = f(input, stop);
            fuse.failed = result.is_err();
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
                // Values of the user, one by one: one that panics when dropped takes nothing with it.
                other => drop_quietly(other),
            }
        }
        Err(failure.expect("the result that made it fail is an error"))
    }
}

const NONE: usize = usize::MAX;

/// Notes a failure, also by a panic, and stops the call. In this order: an error returned because of the stop comes
/// after the one that caused it, and is not taken for the first.
struct Fuse<'a> {
    index: usize,
    first: &'a AtomicUsize,
    stop: &'a Stop,
    failed: bool,
}

impl Drop for Fuse<'_> {
    fn drop(&mut self) {
        if self.failed {
            // Relaxed: `stop` orders it before whatever the stop brings about, and the join before it is read.
            let _ =
                self.first
                    .compare_exchange(NONE, self.index, Ordering::Relaxed, Ordering::Relaxed);
            self.stop.stop();
        }
    }
}
