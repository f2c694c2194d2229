//! [`TimedOut`], the error of every wait with a timeout.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// A lock or a permit was not available within the timeout. The error says what was waited for and
/// what was in the way.
///
/// The call has changed nothing, and a waiter has left its queue. The exceptions are calls that go
/// through a sharded map shard by shard, as their documentation says.
#[derive(Clone, PartialEq, Eq)]
pub struct TimedOut(
    // Boxed, so that a `Result` stays small.
    Box<Wait>,
);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wait {
    timeout: Duration,
    object: Object,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    Permits {
        wanted: usize,
        free: usize,
        ahead: usize,
    },
    Lock {
        name: &'static str,
        holder: Option<Holder>,
        acquisitions: u64,
    },
    Shard,
}

/// The holder of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) thread: String,
    pub(crate) location: &'static Location<'static>,
}

impl TimedOut {
    pub(crate) fn permits(timeout: Duration, wanted: usize, free: usize, ahead: usize) -> Self {
        let object = Object::Permits {
            wanted,
            free,
            ahead,
        };
        Self::new(timeout, object)
    }

    /// `acquisitions` counts how often the lock was taken during the wait.
    pub(crate) fn lock(
        timeout: Duration,
        name: &'static str,
        holder: Option<Holder>,
        acquisitions: u64,
    ) -> Self {
        let object = Object::Lock {
            name,
            holder,
            acquisitions,
        };
        Self::new(timeout, object)
    }

    pub(crate) fn shard(timeout: Duration) -> Self {
        Self::new(timeout, Object::Shard)
    }

    fn new(timeout: Duration, object: Object) -> Self {
        Self(Box::new(Wait { timeout, object }))
    }

    /// The timeout of the call.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimedOut").field(&self.to_string()).finish()
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wait { timeout, object } = &*self.0;
        match object {
            Object::Permits {
                wanted,
                free,
                ahead,
            } => {
                match wanted {
                    1 => f.write_str("the semaphore granted no permit")?,
                    wanted => write!(f, "the semaphore did not grant {wanted} permits")?,
                }
                write!(
                    f,
                    " within {timeout:?} ({free} free, {ahead} waiting ahead): allow more time or \
                     more permits, or hold permits for a shorter time"
                )
            }
            Object::Lock {
                name,
                holder,
                acquisitions,
            } => {
                write!(f, "the lock `{name}` was not free within {timeout:?}")?;
                if let Some(Holder { thread, location }) = holder {
                    write!(f, ", {thread} holds it, taken at {location}")?;
                }
                match acquisitions {
                    0 => f.write_str(
                        ", and it never changed hands: check whether the holder waits for a lock of \
                         this thread or holds this one for too long",
                    ),
                    n => write!(
                        f,
                        ", and it changed hands {n} {}: allow more time or hold it for a shorter time",
                        if *n == 1 { "time" } else { "times" }
                    ),
                }
            }
            Object::Shard => write!(
                f,
                "a shard of the map was not free within {timeout:?}: check for a closure on this \
                 map that is slow or blocks"
            ),
        }
    }
}

impl Error for TimedOut {}
