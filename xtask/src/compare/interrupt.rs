//! Ctrl-C: noticed at once by whoever waits, acted on in good order.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{panic, thread};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often to look whether something is done that is not to be waited for after an interrupt.
const SLICE: Duration = Duration::from_millis(5);

/// Whether the user wants the comparison to end, and a descriptor that is readable from then on.
#[derive(Debug)]
pub(crate) struct Interrupt {
    happened: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Interrupt {
    /// From now on SIGINT, SIGTERM and SIGHUP no longer end this process by themselves.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler or a pair of sockets.
    pub(crate) fn install() -> io::Result<Interrupt> {
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
    pub(crate) fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }

    /// Does something that nobody waits for once it has happened; `None` then. It goes on by itself
    /// until the program ends, so it must do no harm.
    pub(crate) fn during<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let worker = thread::spawn(work);
        while !worker.is_finished() {
            self.wait(SLICE);
            if self.happened() {
                return None;
            }
        }
        match worker.join() {
            Ok(done) => Some(done),
            Err(panic) => panic::resume_unwind(panic),
        }
    }

    /// Waits for it that long.
    pub(crate) fn wait(&self, patience: Duration) {
        let timeout = Timespec::try_from(patience).ok();
        // Whatever ends the wait early, the caller looks whether it happened.
        let _ = poll(
            &mut [PollFd::new(&self.wake, PollFlags::IN)],
            timeout.as_ref(),
        );
    }
}

/// Readable from the first signal on: nobody ever reads it empty.
impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
