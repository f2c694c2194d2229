//! The ways to shut a pool down.

use std::thread;
use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool, SubmitError};

use crate::jobs::{double, nap, program};
use crate::support::checks::deadline;

#[test]
fn shutdown_finishes_accepted_jobs() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let handles: Vec<_> = (0..300)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    pool.close();
    assert!(matches!(pool.submit::<double>(1), Err(SubmitError::Closed)));
    pool.shutdown();
    assert!(
        handles
            .into_iter()
            .enumerate()
            .all(|(number, handle)| handle.wait().unwrap() == 2 * number as u64)
    );
}

#[test]
fn shutdown_now_counts_ended_jobs() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let handles: Vec<_> = (0..100)
        .map(|_| pool.submit::<nap>(60_000).unwrap())
        .collect();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(pool.shutdown_now(), 100);
    assert!(
        handles
            .into_iter()
            .all(|handle| matches!(handle.wait(), Err(JobError::Killed | JobError::Cancelled)))
    );
}

#[test]
fn shutdown_timeout_reports_unfinished_jobs() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let handle = pool.submit::<nap>(500).unwrap();
    let error = pool.shutdown_timeout(Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.jobs(), 1);
    assert_eq!(handle.wait().unwrap(), 500);
}
