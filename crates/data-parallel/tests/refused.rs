//! A pool whose threads the system refuses.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod child;
    pub(crate) mod pool;
    pub(crate) mod proc;
}

use effective_data_parallel::{BuildError, DataParallel};
use rustix::process::Resource;
use support::child::{in_a_child_with_stacks, lower};
use support::pool::{count, pool};
use support::proc::{live_threads, wait_for_threads};

#[test]
fn fault_7_pool_that_is_refused_a_thread_leaves_none_behind() {
    in_a_child_with_stacks(
        "fault_7_pool_that_is_refused_a_thread_leaves_none_behind",
        // Stacks so large that a refusal leaves enough memory for a thread that still starts: one
        // that gets none would abort the process.
        256 << 20,
        || {
            let before = live_threads();
            lower(Resource::As, 2 << 30);
            let error = DataParallel::new()
                .workers(count(64))
                .expect_err("64 such stacks do not fit");
            assert!(matches!(error, BuildError::Refused(_)), "{error}");
            assert!(error.to_string().contains("fewer workers"), "{error}");

            wait_for_threads(before);
            let results = pool(2).map(&[1, 2], |n| n + 1);
            assert!(matches!(results[..], [Ok(2), Ok(3)]), "{results:?}");
        },
    );
}
