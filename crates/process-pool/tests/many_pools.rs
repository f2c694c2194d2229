//! A thousand pools in a row. Alone in its program, since it counts all threads.

mod support;

use std::fs;

use effective_process_pool::{ProcessPool, job, register};
use support::checks::{Resources, deadline, eventually};

job! {
    fn double(number: u64) -> u64 { 2 * number }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn fault_26_thousand_pools_leak_nothing() {
    let program = register![double];
    let _deadline = deadline(300);
    // Threads and descriptors that a library creates once are no leak.
    drop(ProcessPool::new(&program, 1).unwrap());
    let (before, threads_before) = (Resources::count(), threads());
    for round in 0..1_000 {
        let pool = ProcessPool::new(&program, 1).unwrap();
        match round % 10 {
            0 => assert_eq!(
                pool.submit::<double>(round).unwrap().wait().unwrap(),
                2 * round
            ),
            1 => drop(pool.submit::<double>(round).unwrap()),
            2 => {
                pool.shutdown_now();
            }
            _ => {}
        }
    }
    before.assert_restored();
    eventually("the threads are gone", || threads() <= threads_before);
}
