//! No thread outlives a pool. The only test of the file, since it counts the threads of the
//! process.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod pool;
    pub(crate) mod proc;
}

use support::pool::pool;
use support::proc::{live_threads, wait_for_threads};

#[test]
fn no_thread_is_left_of_many_pools() {
    let before = live_threads();
    let inputs: Vec<usize> = (0..100).collect();
    for round in 0..50 {
        let parallel = pool(4);
        parallel.map(&inputs, |&n| assert!(n != 50 || round % 10 != 0));
        drop(parallel);
        // A pool that was never used.
        drop(pool(2));
        wait_for_threads(before);
    }
}
