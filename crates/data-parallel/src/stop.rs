//! [`Stop`], the token that stops a call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::TaskError;

/// A token that stops a [`map_until`](crate::DataParallel::map_until) or
/// [`fold_until`](crate::DataParallel::fold_until) from another thread, from an item, or at a point
/// in time. After that no item starts. Clones are the same token.
///
/// ```
/// use effective_data_parallel::{DataParallel, Stop, TaskError};
///
/// let stop = Stop::new();
/// let (inputs, wanted) = ([3, 8, 5, 9, 1], 5);
/// let results = DataParallel::new().map_until(&stop, &inputs, |&n| {
///     if n == wanted {
///         stop.stop(); // found: no need to check the rest
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

    /// A token that is also stopped once `time` has passed from now.
    pub fn within(time: Duration) -> Self {
        // A deadline that the clock cannot express never comes.
        Self::with(Instant::now().checked_add(time))
    }

    fn with(deadline: Option<Instant>) -> Self {
        Self(Arc::new(Token {
            stopped: AtomicBool::new(false),
            deadline,
        }))
    }

    /// Stops permanently. Returns at once, without waiting for running items.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
    }

    /// Whether the token was stopped or its time ran out. Items that take long can check it and
    /// return early.
    pub fn is_stopped(&self) -> bool {
        self.reason().is_some()
    }

    /// The time that is left: zero once it ran out, `None` for a token without a deadline.
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
        late.then_some(TaskError::TimedOut)
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
