//! [`TimedMutex`], a mutex whose timeout error names the holder.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::timed_out::{Holder, TimedOut};

/// A named mutex whose timeout error says which thread holds it and where it was locked.
///
/// For locks that might deadlock or that are held for long: a hang becomes an error that names the
/// culprit. Keeping the record costs about thirty nanoseconds per lock. For a lock that is taken
/// millions of times a second, use
/// [`parking_lot::Mutex`](https://docs.rs/parking_lot/latest/parking_lot/type.Mutex.html), which
/// has timeouts as well (`try_lock_for`) and keeps no record.
///
/// It is not poisoned: if its holder panics it is unlocked, and the value is as the holder left it.
/// A thread that arrives while it is being unlocked may overtake the waiting threads, but now and
/// then the mutex is handed to the first of those, so that no thread waits forever (the eventual
/// fairness of parking_lot).
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
    /// Written by the holder of `value`, read by threads that timed out. It has a separate lock,
    /// held only for a few instructions, since those threads do not have the other one.
    record: Mutex<Record>,
    value: Mutex<T>,
}

struct Record {
    holder: Option<(Thread, &'static Location<'static>)>,
    /// How often the lock was taken.
    acquisitions: u64,
}

impl<T> TimedMutex<T> {
    /// A mutex whose errors contain `name`.
    pub const fn new(name: &'static str, value: T) -> Self {
        Self {
            name,
            record: Mutex::new(Record {
                holder: None,
                acquisitions: 0,
            }),
            value: Mutex::new(value),
        }
    }

    /// Consumes the mutex and returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> TimedMutex<T> {
    /// Locks, waiting without a timeout.
    ///
    /// A thread that already holds the lock waits forever.
    #[track_caller]
    pub fn lock(&self) -> TimedMutexGuard<'_, T> {
        self.hold(self.value.lock(), Location::caller())
    }

    /// Locks if the mutex is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<TimedMutexGuard<'_, T>> {
        Some(self.hold(self.value.try_lock()?, Location::caller()))
    }

    /// Locks, waiting for at most `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_locks::TimedMutex;
    ///
    /// let balance = TimedMutex::new("balance", 100);
    /// let held = balance.lock();
    /// let error = balance.lock_timeout(Duration::from_millis(5)).unwrap_err().to_string();
    /// assert!(error.starts_with("the lock `balance` was not free within 5ms, the thread `main`"));
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`], which says which thread holds the lock, where it took it, and whether the lock
    /// changed hands in the meantime.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<TimedMutexGuard<'_, T>, TimedOut> {
        let location = Location::caller();
        // A free lock costs no more than with `lock`.
        if let Some(guard) = self.value.try_lock() {
            return Ok(self.hold(guard, location));
        }
        let acquisitions = self.record.lock().acquisitions;
        match self.value.try_lock_for(timeout) {
            Some(guard) => Ok(self.hold(guard, location)),
            None => Err(self.timed_out(timeout, acquisitions)),
        }
    }

    /// The value. The exclusive borrow makes locking unnecessary.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The name of the mutex.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn hold<'a>(
        &'a self,
        value: MutexGuard<'a, T>,
        location: &'static Location<'static>,
    ) -> TimedMutexGuard<'a, T> {
        let mut record = self.record.lock();
        record.holder = Some((thread::current(), location));
        record.acquisitions = record.acquisitions.wrapping_add(1);
        TimedMutexGuard {
            record: &self.record,
            value,
        }
    }

    #[cold]
    fn timed_out(&self, timeout: Duration, acquisitions_before: u64) -> TimedOut {
        let record = self.record.lock();
        let holder = record.holder.clone();
        let acquisitions = record.acquisitions.wrapping_sub(acquisitions_before);
        drop(record);
        let holder = holder.map(|(thread, location)| Holder {
            thread: match thread.name() {
                Some(name) => format!("the thread `{name}`"),
                None => format!("an unnamed thread ({:?})", thread.id()),
            },
            location,
        });
        TimedOut::lock(timeout, self.name, holder, acquisitions)
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

/// The guard of a [`TimedMutex`]: it gives access to the value and unlocks when dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
pub struct TimedMutexGuard<'a, T: ?Sized> {
    record: &'a Mutex<Record>,
    value: MutexGuard<'a, T>,
}

impl<T: ?Sized> Drop for TimedMutexGuard<'_, T> {
    fn drop(&mut self) {
        // Before `value` is dropped, so that the record never names a thread that has unlocked it.
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
