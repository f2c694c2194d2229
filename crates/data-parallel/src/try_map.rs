use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::contain::{contain, drop_contained};
use crate::{DataParallel, TryMapError};

impl DataParallel {
    /// Run `f` on each input and return all results in order, or stop at the first failure.
    ///
    /// After an item fails or panics no further item starts; those under way are waited for. Of the failures seen the
    /// one with the lowest index is returned. Where several items fail, which of them are seen depends on timing.
    ///
    /// It is also the way to stop from outside: let `f` return an error once a flag is set.
    ///
    /// ```
    /// use data_parallel::{DataParallel, TryMapError};
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
        let stopped = AtomicBool::new(false);
        let first = Mutex::new(None);
        let results = self.each(inputs, |index, input| {
            // Relaxed: it only saves work, and the failure itself travels under the mutex.
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let failure = match contain(|| f(input)) {
                Ok(Ok(result)) => return Some(result),
                Ok(Err(error)) => TryMapError::Failed { index, error },
                Err(panic) => TryMapError::Panicked { index, panic },
            };
            stopped.store(true, Ordering::Relaxed);
            keep_the_lower(&first, failure);
            None
        });
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => {
                // One by one: a result that panics when dropped takes nothing with it.
                results.into_iter().for_each(drop_contained);
                Err(failure)
            }
            // Nothing failed, so there is a result in each place.
            None => Ok(results.into_iter().flatten().collect()),
        }
    }
}

fn keep_the_lower<E>(first: &Mutex<Option<TryMapError<E>>>, failure: TryMapError<E>) {
    let other = {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            Some(kept) if kept.index() < failure.index() => Some(failure),
            _ => first.replace(failure),
        }
    };
    // An error of the user: dropped outside the lock, and its panic, should it panic, is nobody's.
    drop_contained(other);
}
