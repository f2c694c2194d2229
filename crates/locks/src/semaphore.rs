//! [`Semaphore`] and its permits, which are released when dropped.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::const_fn;
use crate::timed_out::TimedOut;
use crate::wait_queue::WaitQueue;

/// A number of permits that threads acquire and release, waiting if none is free. std has none.
///
/// It bounds how many threads do something at once: use connections, open files, queue jobs. A
/// permit is released when it is dropped, even by a panic.
///
/// It is fair: waiters are served first come, first served, and one that wants many permits is not
/// overtaken by others that want few. The price is that a permit released while there are waiters
/// goes to the first of them, even if that thread takes a while to wake. Without waiters, acquiring
/// and releasing are one atomic operation each. Waiting threads sleep.
///
/// ```
/// use std::thread;
/// use effective_locks::Semaphore;
///
/// static CONNECTIONS: Semaphore = Semaphore::new(2);
///
/// thread::scope(|scope| {
///     for _ in 0..10 {
///         scope.spawn(|| {
///             let _permit = CONNECTIONS.acquire();
///             // At most two threads are here at once.
///         });
///     }
/// });
/// assert_eq!(CONNECTIONS.available(), 2);
/// ```
pub struct Semaphore {
    queue: WaitQueue,
}

impl Semaphore {
    /// The maximum number of permits.
    pub const MAX_PERMITS: usize = WaitQueue::MAX;

    const_fn! {
        /// A semaphore with `permits` permits. With 0 it waits for
        /// [`add_permits`](Semaphore::add_permits).
        ///
        /// # Panics
        /// If `permits` is above [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        pub fn new(permits: usize) -> Self {
            assert!(
                permits <= Self::MAX_PERMITS,
                "too many permits for a semaphore: see `Semaphore::MAX_PERMITS`"
            );
            Self { queue: WaitQueue::new(permits) }
        }
    }

    /// Acquires a permit, waiting without a timeout.
    pub fn acquire(&self) -> Permit<'_> {
        self.acquire_many(1)
    }

    /// Acquires a permit if one is free and there are no waiters.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_many(1)
    }

    /// Acquires a permit, waiting for at most `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_locks::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire();
    /// let error = semaphore.acquire_timeout(Duration::from_millis(5)).unwrap_err();
    /// assert!(error.to_string().starts_with("the semaphore granted no permit within 5ms"));
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`], which says how many permits were free and how many threads waited ahead.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, TimedOut> {
        self.acquire_many_timeout(1, timeout)
    }

    /// Acquires several permits at once, waiting without a timeout. It takes none before all are
    /// free, so two threads that want many do not deadlock. Meanwhile, later threads wait behind.
    ///
    /// With more permits than will ever be free it waits forever, and so do the threads behind.
    pub fn acquire_many(&self, permits: usize) -> Permit<'_> {
        self.queue.acquire(permits);
        Permit::new(self, permits)
    }

    /// Acquires several permits if they are free and there are no waiters.
    pub fn try_acquire_many(&self, permits: usize) -> Option<Permit<'_>> {
        self.queue
            .try_acquire(permits)
            .then(|| Permit::new(self, permits))
    }

    /// Acquires several permits at once, waiting for at most `timeout`. It takes none if it fails.
    ///
    /// # Errors
    /// [`TimedOut`], which says how many permits were free and how many threads waited ahead.
    pub fn acquire_many_timeout(
        &self,
        permits: usize,
        timeout: Duration,
    ) -> Result<Permit<'_>, TimedOut> {
        self.acquire_within(permits, timeout)?;
        Ok(Permit::new(self, permits))
    }

    /// Acquires a permit that does not borrow the semaphore, waiting without a timeout. A job can
    /// take it along to another thread and release it there.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::thread;
    /// use effective_locks::Semaphore;
    ///
    /// let limit = Arc::new(Semaphore::new(3));
    /// let threads: Vec<_> = (0..10)
    ///     .map(|_| {
    ///         // No thread starts before it has a permit.
    ///         let permit = limit.acquire_owned();
    ///         thread::spawn(move || drop(permit))
    ///     })
    ///     .collect();
    /// threads.into_iter().for_each(|thread| thread.join().unwrap());
    /// assert_eq!(limit.available(), 3);
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> OwnedPermit {
        self.queue.acquire(1);
        OwnedPermit::new(Arc::clone(self))
    }

    /// Acquires a permit that does not borrow the semaphore, if one is free and there are no
    /// waiters.
    pub fn try_acquire_owned(self: &Arc<Self>) -> Option<OwnedPermit> {
        self.queue
            .try_acquire(1)
            .then(|| OwnedPermit::new(Arc::clone(self)))
    }

    /// Acquires a permit that does not borrow the semaphore, waiting for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`], which says how many permits were free and how many threads waited ahead.
    pub fn acquire_owned_timeout(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<OwnedPermit, TimedOut> {
        self.acquire_within(1, timeout)?;
        Ok(OwnedPermit::new(Arc::clone(self)))
    }

    /// Adds permits, and wakes the threads that can now acquire theirs.
    ///
    /// To remove permits, acquire and [`forget`](Permit::forget) them.
    ///
    /// # Panics
    /// If more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) would be free. None is added then.
    pub fn add_permits(&self, permits: usize) {
        self.queue.release(permits);
    }

    /// The number of free permits. This includes free permits that a waiter cannot use because it
    /// wants more.
    pub fn available(&self) -> usize {
        self.queue.free()
    }

    /// The number of waiting threads.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn acquire_within(&self, permits: usize, timeout: Duration) -> Result<(), TimedOut> {
        if self.queue.try_acquire(permits) {
            return Ok(());
        }
        // A deadline that the clock cannot express never comes.
        let Some(deadline) = Instant::now().checked_add(timeout) else {
            self.queue.acquire(permits);
            return Ok(());
        };
        self.queue
            .acquire_until(permits, deadline)
            .map_err(|missed| TimedOut::permits(timeout, permits, missed.free, missed.ahead))
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// Permits of a [`Semaphore`], released when dropped.
#[derive(Debug)]
#[must_use = "the permit is released when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl<'a> Permit<'a> {
    fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// The number of permits.
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Removes the permits from the semaphore instead of releasing them.
    pub fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.queue.release(self.permits);
    }
}

/// A permit of a [`Semaphore`] that keeps the semaphore alive, released when dropped.
#[derive(Debug)]
#[must_use = "the permit is released when this is dropped"]
pub struct OwnedPermit {
    // `None` once forgotten.
    semaphore: Option<Arc<Semaphore>>,
}

impl OwnedPermit {
    fn new(semaphore: Arc<Semaphore>) -> Self {
        Self {
            semaphore: Some(semaphore),
        }
    }

    /// Removes the permit from the semaphore instead of releasing it.
    pub fn forget(mut self) {
        self.semaphore = None;
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            semaphore.queue.release(1);
        }
    }
}
