//! A program that drops its privileges after it has built a pool.

use std::time::{Duration, Instant};

use effective_process_pool::{JobError, ProcessPool};
use rustix::process::getuid;

use crate::common::deadline;
use crate::common::rerun::{is_inner, passes};
use crate::jobs::*;

const NOBODY: u32 = 65534;

#[test]
fn workers_with_more_privileges_than_their_parent_are_ended() {
    let program = program();
    if !getuid().is_root() {
        eprintln!(
            "skipped workers_with_more_privileges_than_their_parent_are_ended: only root has privileges to drop"
        );
        return;
    }
    if !is_inner() {
        passes(
            "privileges::workers_with_more_privileges_than_their_parent_are_ended",
            &[],
        );
        return;
    }
    let _deadline = deadline(80);
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_millis(500))
        .build()
        .unwrap();
    for result in pool.map::<user>([(); 10]) {
        assert_eq!(result.unwrap(), 0);
    }
    // SAFETY: no memory is concerned. The library changes the user of all threads.
    let dropped = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    assert_eq!(dropped, 0);
    let began = Instant::now();
    let slow = [(); 2].map(|()| pool.submit::<start_and_wait>(600).unwrap());
    for handle in slow {
        assert!(matches!(handle.wait(), Err(JobError::TimedOut(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    // Those that replace them have the user of that moment.
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
