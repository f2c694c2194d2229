//! [`TaskPanic`], the panic of a task as an error, and the two places where panics are caught.
//!
//! Several crates link this file, so it uses only std and names no crate.

#![allow(
    dead_code,
    reason = "a crate that links this file may need a part of it"
)]
#![allow(unreachable_pub, reason = "a crate may keep its `TaskPanic` private")]

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// The panic of a task, caught: its message and its payload.
///
/// It is one pointer wide, so a `Result` that may hold one stays small, and `Send + Sync`, so it
/// fits into any error type. Dropping it never panics, even if the payload's destructor does.
// An `Arc`, although it is never shared: its drop is a check and a call, where that of a `Box` is
// inlined whole into every loop that drops results.
pub struct TaskPanic(Arc<Caught>);

struct Caught {
    message: Cow<'static, str>,
    // A payload is `Send` but not `Sync`. The mutex makes it so and is never locked.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl TaskPanic {
    #[cold]
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            Cow::Borrowed(*text)
        } else if let Some(text) = payload.downcast_ref::<String>() {
            Cow::Owned(text.clone())
        } else {
            Cow::Borrowed("the panic payload is not a string")
        };
        let payload = Mutex::new(Some(payload));
        Self(Arc::new(Caught { message, payload }))
    }

    /// The panic message, or a note that the payload is not a string.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload, for a downcast.
    #[must_use]
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        let caught = Arc::get_mut(&mut self.0);
        caught
            .and_then(Caught::take)
            .expect("only this call and the drop take the payload of a `TaskPanic`")
    }

    /// Continues the panic in this thread, without calling the panic hook again.
    pub fn resume_unwind(self) -> ! {
        resume_unwind(self.into_payload())
    }
}

impl Caught {
    fn take(&mut self) -> Option<Box<dyn Any + Send>> {
        self.payload
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        let payload = self.take();
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // The destructor of this payload could panic as well, and so on: it is leaked.
            mem::forget(second);
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

/// Calls `work`, and turns its panic into an error.
///
/// Unwind safety is asserted for the caller: a panicking task may leave shared state half changed,
/// exactly as a panicking thread may.
#[inline]
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, TaskPanic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(TaskPanic::new)
}

/// Drops a value of the caller, and discards the panic of its destructor.
///
/// For places where that panic would lose the data of others.
#[inline]
pub(crate) fn drop_quietly<T>(value: T) {
    if mem::needs_drop::<T>() {
        drop(catch(|| drop(value)));
    }
}

/// Owns a value of the caller and [drops it quietly](drop_quietly).
pub(crate) struct Quiet<T>(Option<T>);

impl<T> Quiet<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0
            .as_ref()
            .expect("only `into_inner` and the drop take the value of a `Quiet`")
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.0
            .take()
            .expect("only this call and the drop take the value of a `Quiet`")
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{UnwindSafe, panic_any};

    use super::*;

    fn caught<T: fmt::Debug>(work: impl FnOnce() -> T) -> TaskPanic {
        catch(work).expect_err("the work panics")
    }

    #[test]
    fn message_is_the_text_of_the_panic() {
        let number = 7;
        assert_eq!(caught(|| panic!("plain")).message(), "plain");
        assert_eq!(
            caught(|| panic!("number {number}")).to_string(),
            "the task panicked: number 7"
        );
    }

    #[test]
    fn payload_of_any_type_comes_back() {
        let panic = caught(|| panic_any(41_u64));
        assert!(panic.message().contains("not a string"));
        assert_eq!(panic.into_payload().downcast_ref(), Some(&41_u64));
        let resumed = caught(|| caught(|| panic_any(42_u64)).resume_unwind());
        assert_eq!(resumed.into_payload().downcast_ref(), Some(&42_u64));
    }

    #[test]
    fn task_panic_is_small_and_fits_any_error_type() {
        fn fits<E: Error + Send + Sync + UnwindSafe + 'static>(_: &E) {}
        fits(&caught(|| panic!("gone")));
        assert_eq!(size_of::<Result<(), TaskPanic>>(), size_of::<usize>());
    }

    #[test]
    fn panicking_destructor_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                // The destructor of the payload panics as well.
                panic_any(Bomb);
            }
        }
        drop_quietly(Bomb);
        drop(Quiet::new(Bomb));
        drop(caught(|| panic_any(Bomb)));
    }
}
