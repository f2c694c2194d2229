//! What a task panicked with.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// The panic of one task: its message, and the payload it was raised with.
///
/// It is `Send`, `Sync` and one pointer wide, so that a result which may hold one stays small. Dropping it is safe even
/// when the payload panics while it is dropped: that second panic is caught and discarded.
pub struct TaskPanic(Box<Payload>);

/// The two payloads that `panic!` raises are told apart, so that the message can be borrowed; the mutex around any
/// other makes it `Sync` and is never contended.
enum Payload {
    Static(&'static str),
    Text(String),
    Other(Mutex<Option<Box<dyn Any + Send>>>),
}

impl TaskPanic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let payload = match payload.downcast::<&'static str>() {
            Ok(text) => Payload::Static(*text),
            Err(payload) => match payload.downcast::<String>() {
                Ok(text) => Payload::Text(*text),
                Err(payload) => Payload::Other(Mutex::new(Some(payload))),
            },
        };
        Self(Box::new(payload))
    }

    /// What was said in `panic!("…")`; a fixed text when the payload is neither a `&'static str` nor a `String`.
    #[must_use]
    pub fn message(&self) -> &str {
        match &*self.0 {
            Payload::Static(text) => text,
            Payload::Text(text) => text,
            Payload::Other(_) => "the payload of the panic is not a string",
        }
    }

    /// The payload, as [`std::panic::resume_unwind`] takes it to go on with the panic.
    #[must_use]
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        match &mut *self.0 {
            Payload::Static(text) => Box::new(*text),
            Payload::Text(text) => Box::new(std::mem::take(text)),
            Payload::Other(payload) => take(payload).unwrap_or_else(|| Box::new(())),
        }
    }
}

fn take(payload: &mut Mutex<Option<Box<dyn Any + Send>>>) -> Option<Box<dyn Any + Send>> {
    payload
        .get_mut()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}

/// Runs `work`; a panic in it becomes an error.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, TaskPanic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(TaskPanic::new)
}

/// Drops a value of the user's; a panic of its `Drop` ends here.
pub(crate) fn drop_contained<T>(value: T) {
    drop(contain(|| drop(value)));
}

/// A value of the user's that is kept; a panic of its `Drop` ends here.
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("it is taken only to be dropped")
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is taken only to be dropped")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        drop_contained(self.0.take());
    }
}

impl Drop for TaskPanic {
    fn drop(&mut self) {
        if let Payload::Other(payload) = &mut *self.0
            && let Some(payload) = take(payload)
            && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
        {
            // Dropping this one could panic again, without end: it is leaked instead.
            std::mem::forget(second);
        }
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
