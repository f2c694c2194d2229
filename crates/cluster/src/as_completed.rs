//! [`as_completed`]: results in the order in which jobs end.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{JobError, TimedOut};
use crate::finished_queue::FinishedQueue;
use crate::handle::Handle;

/// Iterates over the results of these jobs as they end, each with the index of its handle.
///
/// ```
/// use effective_cluster::{Cluster, as_completed, job};
///
/// job! {
///     fn nap(milliseconds: u64) -> u64 {
///         std::thread::sleep(std::time::Duration::from_millis(milliseconds));
///         milliseconds
///     }
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let cluster = Cluster::local(2)?;
///     let handles = [cluster.submit::<nap>(100)?, cluster.submit::<nap>(1)?];
///     let mut results = as_completed(handles);
///     assert!(matches!(results.next(), Some((1, Ok(1)))));
///     assert!(matches!(results.next(), Some((0, Ok(100)))));
///     assert!(results.next().is_none());
///     Ok(())
/// }
/// ```
pub fn as_completed<T>(handles: impl IntoIterator<Item = Handle<T>>) -> AsCompleted<T> {
    let finished = Arc::new(FinishedQueue::default());
    let handles: Vec<_> = handles.into_iter().map(Some).collect();
    for (index, handle) in handles.iter().enumerate() {
        if let Some(handle) = handle {
            handle.report_to(&finished, index);
        }
    }
    AsCompleted {
        left: handles.len(),
        handles,
        finished,
    }
}

/// The index of a handle, and its result.
pub type Completed<T> = (usize, Result<T, JobError>);

/// An iterator over results in completion order. Created by [`as_completed`]. Dropping it detaches
/// the remaining jobs.
pub struct AsCompleted<T> {
    handles: Vec<Option<Handle<T>>>,
    finished: Arc<FinishedQueue>,
    left: usize,
}

impl<T> AsCompleted<T> {
    /// Waits at most `timeout` for the next result. `None` once all have been returned.
    ///
    /// # Errors
    /// [`TimedOut`] if the timeout expired and results are still to come.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Completed<T>>, TimedOut> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<Completed<T>>, TimedOut> {
        if self.left == 0 {
            return Ok(None);
        }
        let index = self.finished.pop(deadline).ok_or(TimedOut)?;
        self.left -= 1;
        // Each index is pushed once.
        Ok(self.handles[index]
            .take()
            .map(|handle| (index, handle.wait())))
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
