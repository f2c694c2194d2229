//! Spinning for what the other process is about to do.

use std::hint::spin_loop;
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// Some times what two processors need to hand over a word.
const ALONE: Duration = Duration::from_micros(2);
/// A few times what two processes need to hand over a job.
const IN_ALL: Duration = Duration::from_micros(40);

/// Spins until it holds, for a moment: whether it does in the end.
///
/// If it takes longer than two processors need, the other process may be waiting for this very processor. From then on it
/// is offered, which also shows the scheduler that both want to run, so that it moves one of them.
pub(crate) fn until(holds: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..32 {
            if holds() {
                return true;
            }
            spin_loop();
        }
        // The clock costs as much as some looks do, and is often not needed.
        let spent = start.get_or_insert_with(Instant::now).elapsed();
        if spent > IN_ALL {
            return false;
        }
        if spent > ALONE {
            yield_now();
        }
    }
}
