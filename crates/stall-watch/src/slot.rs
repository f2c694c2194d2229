//! What one thread is polling, written by that thread and read by the watchdog.
//!
//! A sequence lock (Boehm, *Can seqlocks get along with programming language memory models?*, MSPC 2012) with one writer:
//! `turn` is odd while a poll runs. The data are atomics too, stored with `Release` and loaded with `Acquire`: a reader
//! that sees anything of a later turn sees that `turn` has moved as well, and drops what it read. So there is no fence, and
//! on x86 every store is a plain one.

use crate::sync::{AtomicU64, Ordering};

/// The id of no site.
pub(crate) const NO_SITE: u64 = 0;

/// One thread's poll, if any. Ids and times only: what they stand for is looked up when something is wrong.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Slot {
    turn: AtomicU64,
    site: AtomicU64,
    since: AtomicU64,
    inner: AtomicU64,
    over_turn: AtomicU64,
    over_ns: AtomicU64,
}

/// A poll that was under way when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Which poll of this thread: odd, and never the same again.
    pub(crate) turn: u64,
    /// The outermost wrapped future.
    pub(crate) site: u64,
    /// When its poll began.
    pub(crate) since: u64,
    /// The innermost wrapped future that is being polled inside it, or [`NO_SITE`].
    pub(crate) inner: u64,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            turn: AtomicU64::new(0),
            site: AtomicU64::new(NO_SITE),
            since: AtomicU64::new(0),
            inner: AtomicU64::new(NO_SITE),
            over_turn: AtomicU64::new(0),
            over_ns: AtomicU64::new(0),
        }
    }

    /// A poll begins. Only by the thread whose slot it is, and not within a poll.
    pub(crate) fn begin(&self, site: u64, since: u64) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.site.store(site, Ordering::Release);
        self.since.store(since, Ordering::Release);
        self.inner.store(NO_SITE, Ordering::Release);
        self.turn.store(turn + 1, Ordering::Release);
    }

    /// A poll within the poll begins or ends: who is innermost now. Says who was before.
    pub(crate) fn nest(&self, inner: u64) -> u64 {
        let before = self.inner.load(Ordering::Relaxed);
        self.inner.store(inner, Ordering::Release);
        before
    }

    /// The poll ends. Says how long it took; a poll of at least `limit` leaves that behind for [`ended`](Self::ended).
    pub(crate) fn end(&self, now: u64, limit: u64) -> u64 {
        let turn = self.turn.load(Ordering::Relaxed);
        let took = now.saturating_sub(self.since.load(Ordering::Relaxed));
        if took >= limit {
            self.over_turn.store(0, Ordering::Release);
            self.over_ns.store(took, Ordering::Release);
            self.over_turn.store(turn, Ordering::Release);
        }
        self.turn.store(turn + 1, Ordering::Release);
        took
    }

    /// The turn alone: what changes whenever this thread gets anything done.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    /// The poll under way. `None` also if one ended while it was looked at: then there is nothing to complain about.
    pub(crate) fn look(&self) -> Option<Look> {
        let turn = self.turn.load(Ordering::Acquire);
        if turn.is_multiple_of(2) {
            return None;
        }
        let look = Look {
            turn,
            site: self.site.load(Ordering::Acquire),
            since: self.since.load(Ordering::Acquire),
            inner: self.inner.load(Ordering::Acquire),
        };
        (self.turn.load(Ordering::Relaxed) == turn).then_some(look)
    }

    /// How long the poll of this turn took, if it has ended, was a long one, and no other long one has ended since.
    pub(crate) fn ended(&self, turn: u64) -> Option<u64> {
        if self.over_turn.load(Ordering::Acquire) != turn {
            return None;
        }
        let took = self.over_ns.load(Ordering::Acquire);
        (self.over_turn.load(Ordering::Relaxed) == turn).then_some(took)
    }
}
