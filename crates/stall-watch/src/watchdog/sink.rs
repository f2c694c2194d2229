//! Where reports go.

use crate::contain::contain;
use crate::stall::Stall;

/// The user's own, called on the watchdog's thread.
type OnStall = Box<dyn FnMut(&Stall) + Send>;

/// Where reports go.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) on_stall: Option<OnStall>,
    #[cfg(feature = "tracing")]
    pub(crate) tracing: bool,
}

impl Sink {
    /// Hands a report over. Says whether nothing panicked.
    pub(crate) fn report(&mut self, stall: &Stall) -> bool {
        #[cfg(feature = "tracing")]
        let traced = !self.tracing || contain(|| trace(stall));
        #[cfg(not(feature = "tracing"))]
        let traced = true;
        let called = match &mut self.on_stall {
            Some(on_stall) => contain(|| on_stall(stall)),
            None => true,
        };
        traced && called
    }
}

#[cfg(feature = "tracing")]
fn trace(stall: &Stall) {
    use crate::stall::Phase;

    let task = stall.within.as_ref().or(stall.task.as_ref());
    // Saturates after half a million years.
    let lasted_ns = crate::shared::nanoseconds(stall.lasted);
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(
                target: "stall_watch",
                $level,
                phase = ?stall.phase,
                lasted_ns,
                thread = stall.thread.as_ref().map(tracing::field::display),
                worker = stall.worker,
                task = task.map(tracing::field::display),
                held_up = stall.held_up.0,
                watched = stall.held_up.1,
                suppressed = stall.suppressed,
                "{stall}"
            )
        };
    }
    match stall.phase {
        Phase::Began | Phase::Continues => event!(tracing::Level::WARN),
        Phase::Ended => event!(tracing::Level::INFO),
    }
}
