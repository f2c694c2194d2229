//! What each worker runs before its first job, and what becomes of the pool when that fails.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::TaskPanic;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Initializer = dyn Fn(usize) -> Result<(), BoxError> + Send + Sync;

/// The initializer of one worker failed; the pool is closed and its pending jobs fail with this.
///
/// Cloning it is cheap: all clones share the one cause. `Display` and `source` are as of
/// [`JobError`](crate::JobError#display-and-source).
#[derive(Clone, Debug)]
pub struct InitializerError {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    worker: usize,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Failed(BoxError),
    Panicked(TaskPanic),
}

/// Runs the initializer for one worker. Never unwinds.
pub(crate) fn run(initializer: &Initializer, worker: usize) -> Result<(), InitializerError> {
    let cause = match catch_unwind(AssertUnwindSafe(|| initializer(worker))) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => Cause::Failed(error),
        Err(payload) => Cause::Panicked(TaskPanic::new(payload)),
    };
    Err(InitializerError {
        inner: Arc::new(Inner { worker, cause }),
    })
}

impl InitializerError {
    /// The number of the worker whose initializer failed first.
    pub fn worker(&self) -> usize {
        self.inner.worker
    }

    /// What the initializer returned, to be downcast; `None` if it panicked.
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.inner.cause {
            Cause::Failed(error) => Some(&**error),
            Cause::Panicked(_) => None,
        }
    }

    /// What the initializer panicked with; `None` if it returned an error.
    pub fn panic(&self) -> Option<&TaskPanic> {
        match &self.inner.cause {
            Cause::Failed(_) => None,
            Cause::Panicked(panic) => Some(panic),
        }
    }
}

impl fmt::Display for InitializerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worker = self.inner.worker;
        match &self.inner.cause {
            Cause::Failed(error) => write!(
                f,
                "the initializer of worker {worker} failed ({error}): mend that and build the pool again"
            ),
            Cause::Panicked(panic) => write!(
                f,
                "the initializer of worker {worker} panicked ({}): mend that and build the pool again",
                panic.message()
            ),
        }
    }
}

impl Error for InitializerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.inner.cause {
            Cause::Failed(error) => error.source(),
            Cause::Panicked(_) => None,
        }
    }
}
