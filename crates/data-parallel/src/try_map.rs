//! `try_map`: all results, or the first failure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::data_parallel::DataParallel;
use crate::error::TryMapError;
use crate::map::joined;
use crate::panic::{TaskPanic, catch, drop_quietly};
use crate::progress::Tally;

impl DataParallel {
    /// Runs `f` on each input and returns all results in order, or stops at the first failure.
    ///
    /// After an item fails or panics, no further item starts; running items are waited for. Of the
    /// observed failures, the one with the lowest index is returned. If several items fail, timing
    /// decides which of them are observed.
    ///
    /// To stop the call from outside, let `f` return an error once a flag is set.
    ///
    /// ```
    /// use effective_data_parallel::{DataParallel, TryMapError};
    ///
    /// let texts = ["12", "x", "30"];
    /// let error = DataParallel::new().try_map(&texts, |text| text.parse::<u32>()).unwrap_err();
    /// assert!(matches!(error, TryMapError::Failed { index: 1, .. }));
    /// ```
    ///
    /// # Errors
    /// [`TryMapError::Failed`] with the error of an item, or [`TryMapError::Panicked`].
    pub fn try_map<'a, T, R, E, F>(&self, inputs: &'a [T], f: F) -> Result<Vec<R>, TryMapError<E>>
    where
        T: Sync,
        R: Send,
        E: Send,
        F: Fn(&'a T) -> Result<R, E> + Sync,
    {
        let progress = self.expect(inputs.len());
        let stopped = AtomicBool::new(false);
        let first = Mutex::new(None);
        let mut pieces = Vec::new();
        self.install(|| {
            let items = self.piece(inputs.len());
            inputs
                .par_chunks(items)
                .enumerate()
                .with_max_len(1)
                .map(|(piece, inputs)| {
                    let mut results = Vec::new();
                    let tally = Tally::new(progress);
                    if let Some(failure) = run(inputs, &f, &stopped, &mut results, tally) {
                        // Relaxed: it only saves work, and the failure itself travels under the
                        // mutex.
                        stopped.store(true, Ordering::Relaxed);
                        keep_the_lower(&first, failure.at(piece * items + results.len()));
                    }
                    results
                })
                .collect_into_vec(&mut pieces);
        });
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => {
                // A destructor that panics must not hide the failure. One by one: a second panic
                // while the others are dropped would abort the process.
                pieces.into_iter().flatten().for_each(drop_quietly);
                Err(failure)
            }
            None => Ok(joined(pieces, inputs.len())),
        }
    }
}

/// The failure that stopped a piece, at the item after its results.
enum Failure<E> {
    Failed(E),
    Panicked(TaskPanic),
}

impl<E> Failure<E> {
    fn at(self, index: usize) -> TryMapError<E> {
        match self {
            Self::Failed(error) => TryMapError::Failed { index, error },
            Self::Panicked(panic) => TryMapError::Panicked { index, panic },
        }
    }
}

/// Fills in the results of one piece until an item fails, here or elsewhere. A single catch covers
/// all items.
fn run<'a, T, R, E>(
    inputs: &'a [T],
    f: impl Fn(&'a T) -> Result<R, E>,
    stopped: &AtomicBool,
    results: &mut Vec<R>,
    mut tally: Option<Tally<'_>>,
) -> Option<Failure<E>> {
    if stopped.load(Ordering::Relaxed) {
        return None;
    }
    results.reserve_exact(inputs.len());
    let outcome = catch(|| {
        for input in inputs {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            results.push(f(input)?);
            if let Some(tally) = &mut tally {
                tally.add(1);
            }
        }
        Ok(())
    });
    let failure = match outcome {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => Failure::Failed(error),
        Err(panic) => Failure::Panicked(panic),
    };
    if let Some(tally) = &mut tally {
        tally.add(1);
    }
    Some(failure)
}

fn keep_the_lower<E>(first: &Mutex<Option<TryMapError<E>>>, failure: TryMapError<E>) {
    let other = {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            Some(kept) if kept.index() < failure.index() => Some(failure),
            _ => first.replace(failure),
        }
    };
    // Outside the lock, and quietly: a destructor that panics must not hide the first failure.
    drop_quietly(other);
}
