//! A seqlock with the current poll of one thread: written by that thread, read by the watchdog.
//!
//! See Boehm, *Can seqlocks get along with programming language memory models?*, MSPC 2012. There
//! is one writer, and `seq` is odd while a poll runs. The data are atomics as well, stored with
//! `Release` and loaded with `Acquire`: a reader that sees any value of a later poll also sees that
//! `seq` has changed, and discards what it read. So no fence is needed, and on x86 every store is a
//! plain one.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use crate::sync::{AtomicU64, Ordering};

/// The id of no site.
pub const NO_SITE: u64 = 0;

/// The slot holds ids and times only; the watchdog looks up what they mean when it reports a stall.
#[derive(Debug)]
#[repr(align(128))]
pub struct Slot {
    seq: AtomicU64,
    site: AtomicU64,
    since: AtomicU64,
    inner: AtomicU64,
    /// The sequence number and duration of the last long poll.
    long_seq: AtomicU64,
    long_ns: AtomicU64,
}

/// A consistent view of a running poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentPoll {
    /// The sequence number of the poll: odd, and unique on this thread.
    pub seq: u64,
    /// The outermost wrapped future.
    pub site: u64,
    /// When its poll began.
    pub since: u64,
    /// The innermost wrapped future that is being polled inside it, or [`NO_SITE`].
    pub inner: u64,
}

impl Slot {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            seq: AtomicU64::new(0),
            site: AtomicU64::new(NO_SITE),
            since: AtomicU64::new(0),
            inner: AtomicU64::new(NO_SITE),
            long_seq: AtomicU64::new(0),
            long_ns: AtomicU64::new(0),
        }
    }

    /// Begins a poll. Only for the thread of this slot, outside a poll.
    pub fn begin(&self, site: u64, since: u64) {
        let seq = self.seq.load(Ordering::Relaxed);
        self.site.store(site, Ordering::Release);
        self.since.store(since, Ordering::Release);
        self.inner.store(NO_SITE, Ordering::Release);
        self.seq.store(seq + 1, Ordering::Release);
    }

    /// Sets the innermost site, as a nested poll begins or ends. Returns the previous one.
    pub fn nest(&self, inner: u64) -> u64 {
        let before = self.inner.load(Ordering::Relaxed);
        self.inner.store(inner, Ordering::Release);
        before
    }

    /// Ends the poll and returns its duration. A poll of at least `limit` leaves its duration for
    /// [`long_poll`](Self::long_poll).
    pub fn end(&self, now: u64, limit: u64) -> u64 {
        let seq = self.seq.load(Ordering::Relaxed);
        let took = now.saturating_sub(self.since.load(Ordering::Relaxed));
        if took >= limit {
            self.long_seq.store(0, Ordering::Release);
            self.long_ns.store(took, Ordering::Release);
            self.long_seq.store(seq, Ordering::Release);
        }
        self.seq.store(seq + 1, Ordering::Release);
        took
    }

    /// The sequence number alone, which changes whenever the thread makes progress.
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// The running poll. `None` also if a poll ended while it was read: then nothing is blocked.
    pub fn current(&self) -> Option<CurrentPoll> {
        let seq = self.seq.load(Ordering::Acquire);
        if seq.is_multiple_of(2) {
            return None;
        }
        let poll = CurrentPoll {
            seq,
            site: self.site.load(Ordering::Acquire),
            since: self.since.load(Ordering::Acquire),
            inner: self.inner.load(Ordering::Acquire),
        };
        (self.seq.load(Ordering::Relaxed) == seq).then_some(poll)
    }

    /// The duration of the poll `seq`, if it was the last long poll to end.
    pub fn long_poll(&self, seq: u64) -> Option<u64> {
        if self.long_seq.load(Ordering::Acquire) != seq {
            return None;
        }
        let took = self.long_ns.load(Ordering::Acquire);
        (self.long_seq.load(Ordering::Relaxed) == seq).then_some(took)
    }
}
