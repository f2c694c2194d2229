//! Ctrl-C: noticed at once by whoever waits, acted on in good order.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether the user wants the comparison to end, and a descriptor that is readable from then on.
#[derive(Debug)]
pub(super) struct Interrupt {
    happened: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Interrupt {
    /// From now on SIGINT, SIGTERM and SIGHUP no longer end this process by themselves.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler or a pair of sockets.
    pub(super) fn install() -> io::Result<Interrupt> {
        let (wake, sender) = UnixStream::pair()?;
        let happened = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // The flag first: whoever is woken must see it.
            signal_hook::flag::register(signal, Arc::clone(&happened))?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Interrupt { happened, wake })
    }

    /// Whether it happened.
    pub(super) fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }
}

/// Readable from the first signal on: nobody ever reads it empty.
impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
