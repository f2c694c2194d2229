//! The errors of puts, gets and joins. A put that fails hands its item back.

use std::error::Error;
use std::fmt;

const CLOSED: &str =
    "the queue is closed and takes no more items: take the item back with `into_item`";
const FINISHED: &str = "the queue is closed and empty: there are no more items";

/// The queue is closed. Hands the item back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(pub T);

impl<T> PutError<T> {
    /// The item that was refused.
    pub fn into_item(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<T> Error for PutError<T> {}

/// Why an item could not be put at once. Hands the item back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// The queue is full at this moment.
    Full(T),
    /// The queue is closed.
    Closed(T),
}

impl<T> TryPutError<T> {
    /// The item that was refused.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full: wait for room with `put`, or try again later",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> Error for TryPutError<T> {}

/// Why an item could not be put in time. Hands the item back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutTimeoutError<T> {
    /// There was no room before the timeout.
    TimedOut(T),
    /// The queue is closed, or was closed while this waited.
    Closed(T),
}

impl<T> PutTimeoutError<T> {
    /// The item that was refused.
    pub fn into_item(self) -> T {
        match self {
            Self::TimedOut(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut(_) => "TimedOut(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut(_) => {
                "timed out with the queue full: allow more time, more room, or more consumers"
            }
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> Error for PutTimeoutError<T> {}

/// The queue was closed before all items of a `put_all` were put.
#[derive(Clone, PartialEq, Eq)]
pub struct PutAllError<T> {
    pub(crate) accepted: usize,
    pub(crate) items: Vec<T>,
}

impl<T> PutAllError<T> {
    /// The number of items that were put.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// The items taken from the iterator and not put, in order. The rest is still in the iterator.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }
}

impl<T> fmt::Debug for PutAllError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutAllError")
            .field("accepted", &self.accepted)
            .field("refused", &self.items.len())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutAllError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, items } = self;
        let refused = items.len();
        write!(
            f,
            "the queue was closed after {accepted} items: take the {refused} refused ones back \
             with `into_items`"
        )
    }
}

impl<T> Error for PutAllError<T> {}

/// The queue is closed and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetError;

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FINISHED)
    }
}

impl Error for GetError {}

/// Why no item could be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// The queue is empty at this moment.
    Empty,
    /// The queue is closed and empty.
    Closed,
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the queue is empty: wait for an item with `get`, or try again later",
            Self::Closed => FINISHED,
        })
    }
}

impl Error for TryGetError {}

/// Why no item could be taken in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetTimeoutError {
    /// No item came before the timeout.
    TimedOut,
    /// The queue is closed and empty.
    Closed,
}

impl fmt::Display for GetTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => {
                "timed out with the queue empty: allow more time, or find out what holds up the \
                 producers"
            }
            Self::Closed => FINISHED,
        })
    }
}

impl Error for GetTimeoutError {}

/// A join timed out: some items were not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    pub(crate) unfinished: u64,
}

impl TimedOut {
    /// The number of items that had been put and were not done.
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "timed out with {} items not done: allow more time, or find out what holds up the \
             consumers",
            self.unfinished
        )
    }
}

impl Error for TimedOut {}
