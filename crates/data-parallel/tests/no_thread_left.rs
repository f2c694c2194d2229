//! No thread outlives a pool. One test to the file, since it counts the threads of the process.
#![cfg(target_os = "linux")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use effective_data_parallel::DataParallel;

fn threads_of_the_process() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("Linux lists the threads of a process")
        .count()
}

#[test]
fn no_thread_is_left_of_any_of_many_pools() {
    let before = threads_of_the_process();
    let inputs: Vec<usize> = (0..100).collect();
    for round in 0..50 {
        let parallel = DataParallel::new().workers(4).expect("the pool starts");
        parallel.map(&inputs, |&n| assert!(n != 50 || round % 10 != 0));
        drop(parallel);
        // One that was never used.
        drop(DataParallel::new().workers(2).expect("the pool starts"));
        // The kernel lists a joined thread for a moment longer.
        let patience = Instant::now() + Duration::from_secs(30);
        while threads_of_the_process() > before {
            assert!(
                Instant::now() < patience,
                "threads are left after round {round}"
            );
            thread::sleep(Duration::from_millis(1));
        }
    }
}
