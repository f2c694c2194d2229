//! A program that drops its privileges after it has built a pool.

use std::time::{Duration, Instant};

use effective_process_pool::{JobError, ProcessPool};
use rustix::process::getuid;

use crate::jobs::*;
use crate::support::rerun::inner;

const NOBODY: u32 = 65534;

#[test]
fn more_privileged_workers_are_ended() {
    let program = program();
    if !getuid().is_root() {
        eprintln!("skipped more_privileged_workers_are_ended: only root has privileges to drop");
        return;
    }
    let Some(_deadline) = inner(more_privileged_workers_are_ended, &[]) else {
        return;
    };
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_millis(500))
        .build()
        .unwrap();
    for result in pool.map::<user>([(); 10]) {
        assert_eq!(result.unwrap(), 0);
    }
    // SAFETY: changing the user affects no memory. The library changes the user of all threads.
    let dropped = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    assert_eq!(dropped, 0);
    let began = Instant::now();
    let slow = [(); 2].map(|()| pool.submit::<start_and_wait>(600).unwrap());
    for handle in slow {
        assert!(matches!(handle.wait(), Err(JobError::TimedOut(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    // Their replacements run as the new user.
    for result in pool.map::<user>([(); 10]) {
        assert_eq!(result.unwrap(), NOBODY);
    }
    let running = pool.submission().time_limit(Duration::from_secs(600));
    let running = running.submit::<start_and_wait>(600).unwrap();
    pool.shutdown_now();
    assert!(matches!(
        running.wait(),
        Err(JobError::Killed | JobError::Cancelled)
    ));
}
