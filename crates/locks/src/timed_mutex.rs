use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::TimedOut;
use crate::timed_out::Holder;

/// A mutex with a name that can say, when it was not free in time, who has it and where it was taken.
///
/// For locks that might deadlock, or that are held for long: with it a hang becomes an error that names the culprit.
/// Keeping the record costs some thirty nanoseconds per locking. For a lock that is taken millions of times a second,
/// [`parking_lot::Mutex`](https://docs.rs/parking_lot/latest/parking_lot/type.Mutex.html) has timeouts as well
/// (`try_lock_for`) and keeps no record.
///
/// It is not poisoned: after a panic of its holder it is free, and the value is as the holder left it. A thread that comes
/// just as it is freed may have it before those that wait; now and then it is handed to the first of those, so that nobody
/// waits for ever (parking_lot's eventual fairness).
///
/// ```
/// use std::time::Duration;
/// use effective_locks::TimedMutex;
///
/// static ACCOUNTS: TimedMutex<Vec<u64>> = TimedMutex::new("accounts", Vec::new());
///
/// ACCOUNTS.lock().push(100);
/// let accounts = ACCOUNTS.lock_timeout(Duration::from_secs(1))?;
/// assert_eq!(*accounts, [100]);
/// # Ok::<(), effective_locks::TimedOut>(())
/// ```
pub struct TimedMutex<T: ?Sized> {
    name: &'static str,
    /// Written by the holder of `value`, read by those who have waited in vain. A lock of its own, since they must not
    /// need the other one; it is held for a few instructions only.
    record: Mutex<Record>,
    value: Mutex<T>,
}

struct Record {
    holder: Option<(Thread, &'static Location<'static>)>,
    turns: u64,
}

impl<T> TimedMutex<T> {
    /// A mutex of that name, which occurs in the error.
    pub const fn new(name: &'static str, value: T) -> Self {
        Self {
            name,
            record: Mutex::new(Record {
                holder: None,
                turns: 0,
            }),
            value: Mutex::new(value),
        }
    }

    /// The value, of a mutex that nobody else has any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> TimedMutex<T> {
    /// Locks, and waits as long as it takes.
    ///
    /// A thread that has it already waits for ever.
    #[track_caller]
    pub fn lock(&self) -> TimedMutexGuard<'_, T> {
        self.hold(self.value.lock(), Location::caller())
    }

    /// Locks if nobody else has it.
    #[track_caller]
    pub fn try_lock(&self) -> Option<TimedMutexGuard<'_, T>> {
        Some(self.hold(self.value.try_lock()?, Location::caller()))
    }

    /// Locks, and waits no longer than `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_locks::TimedMutex;
    ///
    /// let balance = TimedMutex::new("balance", 100);
    /// let held = balance.lock();
    /// let error = balance.lock_timeout(Duration::from_millis(5)).unwrap_err().to_string();
    /// assert!(error.starts_with("the lock `balance` was not free within 5ms, the thread `main` has it, taken at "));
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`], which says who has it, where it was taken, and whether it changed hands meanwhile.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<TimedMutexGuard<'_, T>, TimedOut> {
        let place = Location::caller();
        // First without the record: a free lock costs no more than with `lock`.
        if let Some(guard) = self.value.try_lock() {
            return Ok(self.hold(guard, place));
        }
        let turns = self.record.lock().turns;
        match self.value.try_lock_for(timeout) {
            Some(guard) => Ok(self.hold(guard, place)),
            None => Err(self.timed_out(timeout, turns)),
        }
    }

    /// The value. No lock is taken: the borrow says that nobody else has it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn hold<'a>(
        &'a self,
        value: MutexGuard<'a, T>,
        place: &'static Location<'static>,
    ) -> TimedMutexGuard<'a, T> {
        let mut record = self.record.lock();
        record.holder = Some((thread::current(), place));
        record.turns = record.turns.wrapping_add(1);
        TimedMutexGuard {
            record: &self.record,
            value,
        }
    }

    #[cold]
    fn timed_out(&self, timeout: Duration, turns_before: u64) -> TimedOut {
        let record = self.record.lock();
        let holder = record.holder.clone();
        let turns = record.turns.wrapping_sub(turns_before);
        drop(record);
        let holder = holder.map(|(thread, place)| Holder {
            thread: match thread.name() {
                Some(name) => format!("the thread `{name}`"),
                None => format!("a thread without a name ({:?})", thread.id()),
            },
            place,
        });
        TimedOut::lock(timeout, self.name, holder, turns)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for TimedMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TimedMutex");
        debug.field("name", &self.name);
        match self.value.try_lock() {
            Some(value) => debug.field("value", &&*value),
            None => debug.field("value", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

/// The right to use the value of a [`TimedMutex`], until it is dropped.
#[must_use = "the lock is free again when this is dropped"]
pub struct TimedMutexGuard<'a, T: ?Sized> {
    record: &'a Mutex<Record>,
    value: MutexGuard<'a, T>,
}

impl<T: ?Sized> Drop for TimedMutexGuard<'_, T> {
    fn drop(&mut self) {
        // Before `value`, which is dropped after this: nobody is on record who no longer has it.
        self.record.lock().holder = None;
    }
}

impl<T: ?Sized> Deref for TimedMutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for TimedMutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for TimedMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
