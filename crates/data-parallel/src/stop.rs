use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::TaskError;

/// Tells a [`map_until`](crate::DataParallel::map_until) or [`fold_until`](crate::DataParallel::fold_until) to start
/// nothing more: from another thread, from an item, or by the clock. Its clones are the same token.
///
/// ```
/// use effective_data_parallel::{DataParallel, Stop, TaskError};
///
/// let stop = Stop::new();
/// let (inputs, wanted) = ([3, 8, 5, 9, 1], 5);
/// let results = DataParallel::new().map_until(&stop, &inputs, |&n| {
///     if n == wanted {
///         stop.stop(); // found: the rest need not be looked at
///     }
///     n == wanted
/// });
/// assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(TaskError::Stopped))));
/// ```
#[derive(Clone)]
pub struct Stop(Arc<Token>);

struct Token {
    stopped: AtomicBool,
    deadline: Option<Instant>,
}

impl Stop {
    /// A token without a deadline.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A token that is also stopped once `time` has passed, counted from here.
    pub fn within(time: Duration) -> Self {
        // Beyond what the clock can express it never comes.
        Self::with(Instant::now().checked_add(time))
    }

    fn with(deadline: Option<Instant>) -> Self {
        Self(Arc::new(Token {
            stopped: AtomicBool::new(false),
            deadline,
        }))
    }

    /// Stop, for good. It returns at once and waits for nobody.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
    }

    /// Whether it was stopped, or its time is up. Items that take long may ask, and return early.
    pub fn is_stopped(&self) -> bool {
        self.reason().is_some()
    }

    /// How much time is left: zero when it is up, `None` when there is no end to it.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.0.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Why an item may not start.
    pub(crate) fn reason(&self) -> Option<TaskError> {
        if self.0.stopped.load(Ordering::Acquire) {
            return Some(TaskError::Stopped);
        }
        let late = self
            .0
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        late.then_some(TaskError::NotStarted)
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("stopped", &self.is_stopped())
            .field("remaining", &self.remaining())
            .finish()
    }
}
