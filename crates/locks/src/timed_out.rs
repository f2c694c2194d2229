use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// What could not be had in time. It says what was waited for, and what was in the way.
///
/// Nothing has changed: what did not get its turn is out of the line again. Only what goes over a sharded map shard by
/// shard has dealt with some of them; its documentation says so.
#[derive(Clone, PartialEq, Eq)]
pub struct TimedOut(
    // Boxed, so that a result is no bigger for the rare case.
    Box<Wait>,
);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wait {
    time: Duration,
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
        turns: u64,
    },
    Shard,
}

/// Who has a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) thread: String,
    pub(crate) place: &'static Location<'static>,
}

impl TimedOut {
    pub(crate) fn permits(time: Duration, wanted: usize, free: usize, ahead: usize) -> Self {
        Self::of(
            time,
            Object::Permits {
                wanted,
                free,
                ahead,
            },
        )
    }

    pub(crate) fn lock(
        time: Duration,
        name: &'static str,
        holder: Option<Holder>,
        turns: u64,
    ) -> Self {
        Self::of(
            time,
            Object::Lock {
                name,
                holder,
                turns,
            },
        )
    }

    pub(crate) fn shard(time: Duration) -> Self {
        Self::of(time, Object::Shard)
    }

    fn of(time: Duration, object: Object) -> Self {
        Self(Box::new(Wait { time, object }))
    }

    /// The time that was allowed.
    pub fn timeout(&self) -> Duration {
        self.0.time
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimedOut").field(&self.to_string()).finish()
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wait { time, object } = &*self.0;
        match object {
            Object::Permits {
                wanted,
                free,
                ahead,
            } => write!(
                f,
                "no {} of the semaphore within {time:?} ({free} free, {ahead} waiting ahead): allow more time or more \
                 permits, or hold them for less long",
                match wanted {
                    1 => "permit".to_owned(),
                    wanted => format!("{wanted} permits"),
                },
            ),
            Object::Lock {
                name,
                holder,
                turns,
            } => {
                write!(f, "the lock `{name}` was not free within {time:?}")?;
                if let Some(Holder { thread, place }) = holder {
                    write!(f, ", {thread} has it, taken at {place}")?;
                }
                match turns {
                    0 => f.write_str(
                        ", and it never changed hands: look whether the holder waits for a lock of this thread, or \
                         holds it for too long",
                    ),
                    turns => write!(
                        f,
                        ", and it changed hands {turns} {}: allow more time, or hold it for less long",
                        if *turns == 1 { "time" } else { "times" }
                    ),
                }
            }
            Object::Shard => write!(
                f,
                "a shard of the map was not free within {time:?}: look for a closure on this map that is slow or waits"
            ),
        }
    }
}

impl Error for TimedOut {}
