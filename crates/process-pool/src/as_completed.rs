use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Handle, JobError, lock};

/// The results of these jobs as they end, each with the place of its handle.
///
/// ```
/// use effective_process_pool::{ProcessPool, as_completed, job, register};
///
/// job! {
///     fn nap(milliseconds: u64) -> u64 {
///         std::thread::sleep(std::time::Duration::from_millis(milliseconds));
///         milliseconds
///     }
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![nap];
///     let pool = ProcessPool::new(&program, 2)?;
///     let handles = [pool.submit::<nap>(100)?, pool.submit::<nap>(1)?];
///     let mut results = as_completed(handles);
///     assert!(matches!(results.next(), Some((1, Ok(1)))));
///     assert!(matches!(results.next(), Some((0, Ok(100)))));
///     assert!(results.next().is_none());
///     Ok(())
/// }
/// ```
pub fn as_completed<T>(handles: impl IntoIterator<Item = Handle<T>>) -> AsCompleted<T> {
    let finished = Arc::new(Finished::default());
    let handles: Vec<_> = handles.into_iter().map(Some).collect();
    for (place, handle) in handles.iter().enumerate() {
        if let Some(handle) = handle {
            handle.report_to(&finished, place);
        }
    }
    AsCompleted {
        left: handles.len(),
        handles,
        finished,
    }
}

/// The place of a handle, and its result.
pub type Completed<T> = (usize, Result<T, JobError>);

/// An iterator over results in the order in which they come. Made by [`as_completed`]. Dropping it detaches the jobs that
/// are left.
pub struct AsCompleted<T> {
    handles: Vec<Option<Handle<T>>>,
    finished: Arc<Finished>,
    left: usize,
}

impl<T> AsCompleted<T> {
    /// The next result, for so long at most; `None` when all have been returned.
    ///
    /// # Errors
    /// `Err` when the time ran out and there is still one to come.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Completed<T>>, TimeUp> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    fn next_until(&mut self, until: Option<Instant>) -> Result<Option<Completed<T>>, TimeUp> {
        if self.left == 0 {
            return Ok(None);
        }
        let place = self.finished.pop(until).ok_or(TimeUp)?;
        self.left -= 1;
        // Each place is pushed once.
        Ok(self.handles[place]
            .take()
            .map(|handle| (place, handle.wait())))
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = Completed<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for AsCompleted<T> {}
impl<T> FusedIterator for AsCompleted<T> {}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// No job ended within the time given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUp;

impl fmt::Display for TimeUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no job ended within the time given: ask again, or kill those that are left")
    }
}

impl std::error::Error for TimeUp {}

/// The places of jobs that have ended, in that order.
#[derive(Default)]
pub(crate) struct Finished {
    places: Mutex<VecDeque<usize>>,
    some: Condvar,
}

impl Finished {
    pub(crate) fn push(&self, place: usize) {
        lock(&self.places).push_back(place);
        self.some.notify_one();
    }

    fn pop(&self, until: Option<Instant>) -> Option<usize> {
        let mut places = lock(&self.places);
        loop {
            if let Some(place) = places.pop_front() {
                return Some(place);
            }
            places = match until {
                None => self
                    .some
                    .wait(places)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.some
                        .wait_timeout(places, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}
