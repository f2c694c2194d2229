//! No thread outlives a call. One test to the file, since it counts the threads of the process.
#![cfg(target_os = "linux")]

use std::fs;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::Threads;

fn threads_of_the_process() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("Linux lists the threads of a process")
        .count()
}

#[test]
fn no_thread_is_left_after_any_of_many_calls() {
    let before = threads_of_the_process();
    for round in 0..20 {
        effective_threads::map(0..20, |n| assert!(n % 7 != 3));
        Threads::new()
            .limit(NonZeroUsize::MIN.saturating_add(3))
            .map(0..20, |n| assert!(n % 7 != 3));
        Threads::new()
            .deadline(Duration::from_micros(300))
            .map(0..20, |n| n);
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
