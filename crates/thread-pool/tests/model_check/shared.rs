//! What the maps need of a pool.

use crate::JobError;
use crate::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct Shared {
    pub(crate) cancelling: AtomicBool,
}

impl Shared {
    pub(crate) fn is_cancelling(&self) -> bool {
        self.cancelling.load(Ordering::SeqCst)
    }

    pub(crate) fn cancel_error(&self) -> JobError {
        JobError::Cancelled
    }
}
