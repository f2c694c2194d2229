use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// The panic of a stage on one item, or of the iterator of the inputs, caught.
///
/// It is `Send + Sync`, so it travels in any error type. Dropping it drops the payload, and a payload whose own `Drop`
/// panics is contained as well.
pub struct TaskPanic(
    // Boxed, so that a result is no bigger for the rare case.
    Box<Caught>,
);

struct Caught {
    message: Cow<'static, str>,
    // A payload is `Send` but not `Sync`; the mutex, which nobody ever locks, makes the whole error `Sync`.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl TaskPanic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            Cow::Borrowed(*text)
        } else if let Some(text) = payload.downcast_ref::<String>() {
            Cow::Owned(text.clone())
        } else {
            Cow::Borrowed("the payload of the panic is not a string")
        };
        Self(Box::new(Caught {
            message,
            payload: Mutex::new(Some(payload)),
        }))
    }

    /// What was said in the panic, or a note that the payload is not a string.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload, for [`std::panic::resume_unwind`] or a downcast.
    ///
    /// From here on its `Drop` is the caller's: one that panics is no longer contained.
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        // Only `drop` and this function take the payload, and this one owns the value.
        self.0.take().unwrap_or_else(|| Box::new(()))
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
        contained(|| drop(payload));
    }
}

/// Run `work` and turn its panic into an error.
///
/// Unwind safety is asserted for the caller: what a panicking function leaves half changed behind a shared reference is
/// visible afterwards, exactly as it is when a thread panics.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, TaskPanic> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(TaskPanic::new)
}

/// Drop a value of the user and keep its panic, should it panic, from whoever happens to drop it.
pub(crate) fn drop_contained<T>(value: T) {
    if mem::needs_drop::<T>() {
        contained(|| drop(value));
    }
}

/// Runs user code whose panic concerns nobody here: the `Drop` of a value that is discarded.
fn contained(code: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(code))
        && let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn caught<T>(work: impl FnOnce() -> T) -> TaskPanic {
        match contain(work) {
            Ok(_) => unreachable!("the work panics"),
            Err(panic) => panic,
        }
    }

    #[test]
    fn the_message_is_the_text_of_the_panic() {
        let number = 7;
        assert_eq!(caught(|| panic!("plain")).message(), "plain");
        assert_eq!(
            caught(move || panic!("number {number}")).to_string(),
            "the task panicked: number 7"
        );
    }

    #[test]
    fn a_payload_of_another_type_comes_back_whole() {
        let panic = caught(|| panic::panic_any(41_u64));
        assert!(panic.message().contains("not a string"));
        assert_eq!(panic.into_payload().downcast_ref(), Some(&41_u64));
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_contained() {
        struct Bomb(u32);
        impl Drop for Bomb {
            fn drop(&mut self) {
                // Each payload leaves another one behind.
                panic::panic_any(Bomb(self.0 + 1));
            }
        }
        drop(caught(|| panic::panic_any(Bomb(0))));
        drop_contained(Bomb(0));
    }
}
