//! The semaphore as users see it: permits that come back when they are dropped. How it works is in `line.rs`.

mod line;
mod permit;

pub use permit::{OwnedPermit, Permit};

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::TimedOut;
use crate::sync::const_fn;
use line::Line;

/// A number of permits; who wants one waits until there is one. std has none.
///
/// To have at most so many of something at once: connections, open files, jobs handed to a pool. A permit comes back when
/// it is dropped, also when its holder panics.
///
/// It is fair: who comes first is served first, and a thread that wants many is not overtaken by those that want few, so
/// it gets them. The price is that a permit which comes back while others wait goes to the first of them even if that
/// thread takes a while to wake. While nobody waits, taking and giving back are one atomic operation each. Those who wait
/// sleep.
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
    line: Line,
}

impl Semaphore {
    /// The most permits that there can be.
    pub const MAX_PERMITS: usize = Line::MAX;

    const_fn! {
        /// A semaphore with that many permits, which may be none: see [`add_permits`](Semaphore::add_permits).
        ///
        /// # Panics
        /// With more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        pub fn new(permits: usize) -> Self {
            assert!(permits <= Self::MAX_PERMITS, "more permits than a semaphore can have: see `Semaphore::MAX_PERMITS`");
            Self { line: Line::new(permits) }
        }
    }

    /// Takes a permit, and waits for it as long as it takes.
    pub fn acquire(&self) -> Permit<'_> {
        self.acquire_many(1)
    }

    /// Takes a permit if one is free and nobody waits.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes a permit, and waits no longer than `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_locks::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire();
    /// let error = semaphore.acquire_timeout(Duration::from_millis(5)).unwrap_err();
    /// assert!(error.to_string().starts_with("no permit of the semaphore within 5ms (0 free, 0 waiting ahead)"));
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`], which says how many were free and how many waited ahead.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, TimedOut> {
        self.acquire_many_timeout(1, timeout)
    }

    /// Takes several permits at once, and waits for them as long as it takes. None of them is taken before all are there,
    /// so two who want many do not wait for each other; meanwhile those who come later wait behind.
    ///
    /// For more permits than there ever are it waits for ever, and so do those behind.
    pub fn acquire_many(&self, permits: usize) -> Permit<'_> {
        self.line.wait(permits);
        Permit::new(self, permits)
    }

    /// Takes several permits if so many are free and nobody waits.
    pub fn try_acquire_many(&self, permits: usize) -> Option<Permit<'_>> {
        self.line.take(permits).then(|| Permit::new(self, permits))
    }

    /// Takes several permits at once, and waits no longer than `timeout`. It has taken none if it fails.
    ///
    /// # Errors
    /// [`TimedOut`], which says how many were free and how many waited ahead.
    pub fn acquire_many_timeout(
        &self,
        permits: usize,
        timeout: Duration,
    ) -> Result<Permit<'_>, TimedOut> {
        self.take_timeout(permits, timeout)?;
        Ok(Permit::new(self, permits))
    }

    /// Takes a permit that does not borrow the semaphore, and waits for it as long as it takes: for a job that takes it
    /// along to a thread or a pool and gives it back there.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::thread;
    /// use effective_locks::Semaphore;
    ///
    /// let backlog = Arc::new(Semaphore::new(3));
    /// let threads: Vec<_> = (0..10)
    ///     .map(|_| {
    ///         // Not even started before there is room.
    ///         let permit = backlog.acquire_owned();
    ///         thread::spawn(move || drop(permit))
    ///     })
    ///     .collect();
    /// threads.into_iter().for_each(|thread| thread.join().unwrap());
    /// assert_eq!(backlog.available(), 3);
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> OwnedPermit {
        self.line.wait(1);
        OwnedPermit::new(Arc::clone(self))
    }

    /// Takes a permit that does not borrow the semaphore, if one is free and nobody waits.
    pub fn try_acquire_owned(self: &Arc<Self>) -> Option<OwnedPermit> {
        self.line
            .take(1)
            .then(|| OwnedPermit::new(Arc::clone(self)))
    }

    /// Takes a permit that does not borrow the semaphore, and waits no longer than `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`], which says how many were free and how many waited ahead.
    pub fn acquire_owned_timeout(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<OwnedPermit, TimedOut> {
        self.take_timeout(1, timeout)?;
        Ok(OwnedPermit::new(Arc::clone(self)))
    }

    /// Adds permits to those there are. Those who wait for them go on.
    ///
    /// To take some away for good, take them and [`forget`](Permit::forget) them.
    ///
    /// # Panics
    /// When more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) would be free. Nothing is added then.
    pub fn add_permits(&self, permits: usize) {
        self.line.give(permits);
    }

    /// How many permits are free at this moment. Those that are kept for somebody who wants more of them count as free.
    pub fn available(&self) -> usize {
        self.line.free()
    }

    /// How many threads wait at this moment.
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    fn take_timeout(&self, permits: usize, timeout: Duration) -> Result<(), TimedOut> {
        if self.line.take(permits) {
            return Ok(());
        }
        // A deadline that no clock can show is none.
        let Some(deadline) = Instant::now().checked_add(timeout) else {
            self.line.wait(permits);
            return Ok(());
        };
        self.line
            .wait_until(permits, deadline)
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
