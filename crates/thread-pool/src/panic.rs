//! What a job panicked with, and how a panic is kept where it belongs.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

type Payload = Box<dyn Any + Send>;

/// The panic of one job: its message, and the payload itself.
///
/// Dropping it never panics, even when the payload's own `Drop` does.
pub struct TaskPanic {
    // Boxed: the error then is one word in every `Result` of a `map`.
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

/// A value of the user whose `Drop` may panic, wherever it happens to be dropped.
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("only its drop takes the value")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        drop_contained(self.0.take());
    }
}

/// All items of an iterator. Should it panic half-way, those that were taken are dropped one by one: a second panic would
/// abort the process.
pub(crate) fn take_all<I: IntoIterator>(items: I) -> Vec<I::Item> {
    struct Taken<T>(Vec<T>);
    impl<T> Drop for Taken<T> {
        fn drop(&mut self) {
            self.0.drain(..).for_each(drop_contained);
        }
    }
    let items = items.into_iter();
    let mut taken = Taken(Vec::new());
    if items.size_hint().0 > MOST_BELIEVED {
        for item in items {
            taken.0.push(item);
        }
    } else {
        // Much faster where the number is known.
        taken.0.extend(items);
    }
    mem::take(&mut taken.0)
}

/// An iterator may claim any number of items. No memory is reserved for more than this.
const MOST_BELIEVED: usize = usize::MAX >> (usize::BITS / 2);

/// Drops a value of the user and keeps its panic, should it panic, from whoever happens to drop it.
///
/// A panic out of such a drop carries a payload too, which may panic in turn. That one is leaked: it ends the chain.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
    }
}
