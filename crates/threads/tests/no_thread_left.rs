//! No thread outlives a call. The only test of the file, since it counts the threads of the
//! process.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod proc;
}

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_threads::Threads;
use support::proc::{live_threads, wait_for_threads};

#[test]
fn no_thread_is_left_after_many_calls() {
    let before = live_threads();
    for _ in 0..20 {
        effective_threads::map(0..20, |n| assert!(n % 7 != 3));
        Threads::new()
            .limit(NonZeroUsize::MIN.saturating_add(3))
            .map(0..20, |n| assert!(n % 7 != 3));
        Threads::new()
            .deadline(Duration::from_micros(300))
            .map(0..20, |n| n);
        wait_for_threads(before);
    }
}
