//! The record of one thread in one watch: its current poll, its poll times and its identity.

use std::sync::Arc;

use crate::slot::Slot;
use crate::thread::Thread;
use crate::times::Recorder;

#[derive(Debug)]
pub(crate) struct ThreadRecord {
    pub(crate) slot: Slot,
    pub(crate) times: Recorder,
    pub(crate) thread: Arc<Thread>,
}

impl ThreadRecord {
    pub(crate) fn of_current_thread() -> Self {
        Self {
            slot: Slot::new(),
            times: Recorder::new(),
            thread: Arc::new(Thread::current()),
        }
    }
}
