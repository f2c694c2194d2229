//! The function that each worker runs before its first job, and its failure.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::panic::{TaskPanic, catch};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Initializer = dyn Fn(usize) -> Result<(), BoxError> + Send + Sync;

/// The failure of one worker's initializer, which closes the pool and fails its pending jobs.
///
/// Clones are cheap and share the cause. `Display` and `source` follow
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
    let cause = match catch(|| initializer(worker)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => Cause::Failed(error),
        Err(panic) => Cause::Panicked(panic),
    };
    Err(InitializerError {
        inner: Arc::new(Inner { worker, cause }),
    })
}

impl InitializerError {
    /// The index of the worker whose initializer failed first.
    pub fn worker(&self) -> usize {
        self.inner.worker
    }

    /// The error that the initializer returned, which can be downcast; `None` if it panicked.
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.inner.cause {
            Cause::Failed(error) => Some(&**error),
            Cause::Panicked(_) => None,
        }
    }

    /// The panic of the initializer; `None` if it returned an error.
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
                "the initializer of worker {worker} failed ({error}): fix the cause and build the pool again"
            ),
            Cause::Panicked(panic) => write!(
                f,
                "the initializer of worker {worker} panicked ({}): fix the cause and build the pool again",
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
