//! The clock and the timers of `async-io`, which work under any executor.
//!
//! The crates with a runtime have the same functions in a file of the same name.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::{Duration, Instant};

use async_io::Timer;

/// The time.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Ends after `duration`. One too long for the clock never ends.
pub(crate) fn sleep(_caller: &str, duration: Duration) -> impl Future<Output = ()> + use<> {
    let mut timer = Timer::after(duration);
    poll_fn(move |cx| Pin::new(&mut timer).poll(cx).map(|_| ()))
}
