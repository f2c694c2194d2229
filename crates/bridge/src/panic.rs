//! What a job or a coroutine panicked with, and how a panic is kept where it belongs.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

type Payload = Box<dyn Any + Send>;

/// The panic of one job or coroutine: its message, and the payload itself.
///
/// Dropping it never panics, even when the payload's own `Drop` does.
pub struct TaskPanic {
    // Boxed: the error then is one word in every result.
    inner: Box<Inner>,
}

struct Inner {
    message: String,
    // A payload is `Send` but not `Sync`. The mutex makes the error `Sync`, as boxed errors are expected to be.
    payload: Mutex<Option<Payload>>,
}

impl TaskPanic {
    pub(crate) fn new(payload: Payload) -> Self {
        let message = match payload.downcast_ref::<&'static str>() {
            Some(text) => (*text).to_owned(),
            None => match payload.downcast_ref::<String>() {
                Some(text) => text.clone(),
                None => "the payload of the panic is not a string".to_owned(),
            },
        };
        Self {
            inner: Box::new(Inner {
                message,
                payload: Mutex::new(Some(payload)),
            }),
        }
    }

    /// The panic's message; for a payload that is not a string, a line that says so.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The payload, to look at or to hand to [`std::panic::resume_unwind`].
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        // Only `drop` empties the slot, so the unit payload is never seen.
        self.take().unwrap_or_else(|| Box::new(()))
    }

    fn take(&mut self) -> Option<Payload> {
        self.inner
            .payload
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for TaskPanic {
    fn drop(&mut self) {
        drop_contained(self.take());
    }
}

impl fmt::Debug for TaskPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskPanic").field(&self.message()).finish()
    }
}

impl fmt::Display for TaskPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the task panicked: {}", self.message())
    }
}

impl Error for TaskPanic {}

/// Runs code of the user; a panic in it becomes an error.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, TaskPanic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(TaskPanic::new)
}

/// Drops a value of the user and keeps its panic, should it panic, from whoever happens to drop it.
///
/// A panic out of such a drop carries a payload too, which may panic in turn. That one is leaked: it ends the chain.
pub(crate) fn drop_contained<T>(value: T) {
    if !mem::needs_drop::<T>() {
        return;
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
    }
}
