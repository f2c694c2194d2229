//! The finding of one check of one thread, from which a report is made.

use std::sync::Arc;

use super::tracker::{Due, EndedStall, StallTracker};
use crate::slot::CurrentPoll;
use crate::stall::{Phase, Stall};
use crate::thread::Thread;
use crate::thread_record::ThreadRecord;

pub(crate) struct Finding {
    pub(crate) phase: Phase,
    /// The rate limit delayed the report at an earlier check.
    pub(crate) is_delayed: bool,
    pub(crate) lasted: u64,
    pub(crate) thread: Option<Arc<Thread>>,
    pub(crate) poll: Option<CurrentPoll>,
    /// Shows whether the thread has made progress since.
    #[cfg_attr(
        not(all(feature = "backtrace", target_os = "linux")),
        expect(dead_code, reason = "only taking a backtrace needs it")
    )]
    pub(crate) record: Option<Arc<ThreadRecord>>,
    pub(crate) worker: Option<usize>,
    pub(crate) source: Source,
}

/// The subject of a finding.
pub(crate) enum Source {
    /// The tracked thread of this index.
    Thread(usize),
    /// The runtime and the worker of these indices.
    #[cfg(feature = "tokio")]
    Worker(usize, usize),
    /// A stall that has ended, as it was reported.
    Ended(Box<Stall>),
}

/// A thread that polls wrapped futures, as the watchdog follows it.
pub(crate) struct TrackedThread {
    pub(crate) record: Arc<ThreadRecord>,
    pub(crate) tracker: StallTracker<Box<Stall>>,
    /// The sequence number of its slot at the last check.
    pub(super) seq: u64,
}

impl Finding {
    /// A finding about a thread that is blocked.
    pub(crate) fn blocked(due: Due, thread: Option<Arc<Thread>>, source: Source) -> Self {
        Self {
            phase: due.phase,
            is_delayed: due.is_delayed,
            lasted: due.lasted,
            thread,
            poll: None,
            record: None,
            worker: None,
            source,
        }
    }

    /// A finding about a stall that has ended, if that was reported. `took` is the duration of its
    /// poll, if it is known.
    pub(crate) fn ended(stall: EndedStall<Box<Stall>>, took: Option<u64>) -> Option<Self> {
        let exact = took.map(|took| took.saturating_sub(stall.forgiven));
        Some(Self {
            phase: Phase::Ended,
            is_delayed: false,
            lasted: exact.unwrap_or(stall.at_least),
            thread: None,
            poll: None,
            record: None,
            worker: None,
            source: Source::Ended(stall.reported?),
        })
    }
}
