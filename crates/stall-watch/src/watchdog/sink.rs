//! The destinations of reports: the callback and tracing.

use crate::panic::catch;
use crate::stall::Stall;

type OnStall = Box<dyn FnMut(&Stall) + Send>;

#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) on_stall: Option<OnStall>,
    #[cfg(feature = "tracing")]
    pub(crate) tracing: bool,
}

impl Sink {
    /// Delivers a report. Returns whether nothing panicked.
    pub(crate) fn report(&mut self, stall: &Stall) -> bool {
        #[cfg(feature = "tracing")]
        let traced = !self.tracing || catch(|| trace(stall)).is_ok();
        #[cfg(not(feature = "tracing"))]
        let traced = true;
        let called = match &mut self.on_stall {
            Some(on_stall) => catch(|| on_stall(stall)).is_ok(),
            None => true,
        };
        traced && called
    }
}

#[cfg(feature = "tracing")]
fn trace(stall: &Stall) {
    use crate::stall::Phase;

    let task = stall.within.as_ref().or(stall.task.as_ref());
    // `u64` nanoseconds last for 584 years.
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
                blocked = stall.blocked,
                watched = stall.watched,
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
