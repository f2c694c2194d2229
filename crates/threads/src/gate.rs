//! Who may have a thread: at most so many alive at once, over all calls of the process.
//!
//! The count is the process's and not the call's: two calls that each keep to the ceiling would break it together.
//!
//! # Who waits, and why that ends
//! A call that has a thread running never waits here: one of its own will end. A call that has none waits for another
//! call to give one back. That ends as soon as any thread with a permit ends, so it can last for ever only if all of
//! them wait for threads themselves, which calls nested in tasks can bring about. Each such thread is counted as stuck
//! for as long as it does. Once all live threads are stuck, one that waits is sent away, and its call goes on with an
//! error in the place of that task.

use std::time::Instant;

use crate::sync::{Condvar, Mutex, lock, wait};

pub(crate) struct Gate {
    most: usize,
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    /// Permits that are out.
    live: usize,
    /// Threads with a permit which wait for one more, or for a thread of theirs to end.
    stuck: usize,
    /// Waits under way, so that nobody is notified where nobody listens.
    waiting: usize,
}

/// The right to have one thread alive, given back when dropped.
pub(crate) struct Permit<'a>(&'a Gate);

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It is no longer wanted.
    Over,
    /// All threads wait for threads.
    Deadlock,
}

impl Gate {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            counts: Mutex::new(Counts::default()),
            changed: Condvar::new(),
        }
    }

    /// A permit, if there is one at this moment.
    pub(crate) fn try_take(&self) -> Option<Permit<'_>> {
        self.take_now(&mut lock(&self.counts))
    }

    /// Wait for a permit. `holder` is whether the calling thread has one itself, which it keeps meanwhile. The wait is
    /// over when `over` says so, which is asked at first, after every [`ring`](Self::ring) and at the `deadline`.
    pub(crate) fn take(
        &self,
        holder: bool,
        deadline: Option<Instant>,
        over: impl Fn() -> bool,
    ) -> Result<Permit<'_>, Denied> {
        let mut counts = lock(&self.counts);
        if holder {
            self.add_stuck(&mut counts);
        }
        let outcome = loop {
            if over() {
                break Err(Denied::Over);
            }
            if let Some(permit) = self.take_now(&mut counts) {
                break Ok(permit);
            }
            if holder && counts.stuck == counts.live {
                break Err(Denied::Deadlock);
            }
            counts.waiting += 1;
            counts = wait(&self.changed, counts, deadline);
            counts.waiting -= 1;
        };
        if holder {
            // Under the same lock, so that the next one does not count who has just been sent away.
            counts.stuck -= 1;
        }
        drop(counts);
        outcome
    }

    /// Let those who wait ask again whether they still want to.
    pub(crate) fn ring(&self) {
        self.tell(&lock(&self.counts));
    }

    /// Count the calling thread, which has a permit, as waiting for threads until the guard is dropped.
    pub(crate) fn stuck(&self) -> Stuck<'_> {
        self.add_stuck(&mut lock(&self.counts));
        Stuck(self)
    }

    fn add_stuck(&self, counts: &mut Counts) {
        counts.stuck += 1;
        if counts.stuck == counts.live {
            self.tell(counts);
        }
    }

    fn take_now(&self, counts: &mut Counts) -> Option<Permit<'_>> {
        (counts.live < self.most).then(|| {
            counts.live += 1;
            Permit(self)
        })
    }

    /// All of them, since one that is over would keep the news from one that is not.
    fn tell(&self, counts: &Counts) {
        if counts.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut counts = lock(&self.0.counts);
        counts.live -= 1;
        self.0.tell(&counts);
    }
}

/// See [`Gate::stuck`].
pub(crate) struct Stuck<'a>(&'a Gate);

impl Drop for Stuck<'_> {
    fn drop(&mut self) {
        lock(&self.0.counts).stuck -= 1;
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use super::*;
    use std::time::Duration;

    const NEVER: fn() -> bool = || false;

    #[test]
    fn no_more_permits_than_the_most_and_a_dropped_one_is_free_again() {
        let gate = Gate::new(2);
        let first = gate.try_take();
        let second = gate.take(false, None, NEVER).ok();
        assert!(first.is_some() && second.is_some());
        assert!(gate.try_take().is_none());
        drop(first);
        assert!(gate.try_take().is_some());
    }

    #[test]
    fn a_wait_is_over_when_it_says_so_at_the_deadline_at_the_latest() {
        let gate = Gate::new(1);
        let _taken = gate.try_take();
        assert_eq!(
            gate.take(false, None, || true).err(),
            Some(Denied::Over),
            "at first"
        );
        let deadline = Instant::now() + Duration::from_millis(20);
        let outcome = gate.take(false, Some(deadline), || Instant::now() >= deadline);
        assert_eq!(outcome.err(), Some(Denied::Over));
    }

    #[test]
    fn a_holder_is_sent_away_when_all_wait_and_only_then() {
        let gate = Gate::new(2);
        let (mine, other) = (gate.try_take(), gate.try_take());
        let soon = Instant::now() + Duration::from_millis(20);
        let outcome = gate.take(true, Some(soon), || Instant::now() >= soon);
        assert_eq!(outcome.err(), Some(Denied::Over), "the other one may end");
        let stuck = gate.stuck();
        assert_eq!(gate.take(true, None, NEVER).err(), Some(Denied::Deadlock));
        drop((stuck, other));
        assert!(gate.take(true, None, NEVER).is_ok());
        drop(mine);
    }
}
