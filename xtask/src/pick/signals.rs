//! The signals that end a pick: at once while nothing of the user is touched, never in the moment
//! when files are moved.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Error;

/// The handlers, and what they noticed.
pub(crate) struct Signals {
    happened: Arc<AtomicBool>,
    may_end: Arc<AtomicBool>,
}

impl Signals {
    /// From now on SIGINT, which a terminal sends to cargo as well, only leaves a mark, so that the
    /// temporary folders are removed. SIGTERM and SIGHUP end the program as before.
    pub(crate) fn install() -> Result<Signals, Error> {
        let signals = Signals {
            happened: Arc::new(AtomicBool::new(false)),
            may_end: Arc::new(AtomicBool::new(true)),
        };
        let failed = |error: io::Error| Error::io("cannot set up signal handlers", &error);
        for signal in [SIGHUP, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&signals.may_end))
                .map_err(failed)?;
        }
        flag::register(SIGINT, Arc::clone(&signals.happened)).map_err(failed)?;
        Ok(signals)
    }

    /// Whether the user wants the pick to end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.happened.load(Ordering::SeqCst) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Does something that no signal interrupts.
    pub(crate) fn held<T>(&self, action: impl FnOnce() -> T) -> T {
        self.may_end.store(false, Ordering::SeqCst);
        let result = action();
        self.may_end.store(true, Ordering::SeqCst);
        result
    }
}
