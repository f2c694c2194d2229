//! Alone in its program, since it counts all threads.

mod common;

use std::fs;

use common::{Census, deadline, eventually};
use effective_process_pool::{ProcessPool, job, register};

job! {
    fn double(number: u64) -> u64 { 2 * number }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn fault_26_after_1_000_pools_descriptors_children_and_threads_are_back() {
    let program = register![double];
    let _deadline = deadline(300);
    // What a library starts once is no leak.
    drop(ProcessPool::new(&program, 1).unwrap());
    let (before, threads_before) = (Census::take(), threads());
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
    before.assert_back();
    eventually("the threads are gone", || threads() <= threads_before);
}
