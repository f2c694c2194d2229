//! The frame of a test of a numbered fault.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::holdings::Holdings;
use super::within;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Runs a test `times` times under a deadline, and checks that it releases everything.
pub(crate) fn fault(times: usize, limit: Duration, test: fn()) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    within(limit, move || {
        let before = Holdings::now();
        for _ in 0..times {
            test();
        }
        before.wait_until_restored();
    });
}
