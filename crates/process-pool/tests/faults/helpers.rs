//! Helpers of these tests.

use std::fs;

use effective_process_pool::{Broken, Crash, Handle, JobError, ProcessPool};

use crate::jobs::double;
use crate::support::checks;

/// Submits the jobs before and after the one that fails.
pub(crate) fn neighbours(pool: &ProcessPool) -> Vec<Handle<u64>> {
    (0..40)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect()
}

#[track_caller]
pub(crate) fn all_done(handles: Vec<Handle<u64>>) {
    for (number, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), 2 * number as u64);
    }
}

#[track_caller]
pub(crate) fn crash<T: std::fmt::Debug>(result: Result<T, JobError>) -> Crash {
    match result {
        Err(JobError::Crashed(crash)) => crash,
        other => panic!("not a crash: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn broken<T: std::fmt::Debug>(result: Result<T, JobError>) -> Broken {
    match result {
        Err(JobError::Broken(broken)) => broken,
        other => panic!("not broken: {other:?}"),
    }
}

/// The number of processes with the sleep that only the jobs of these tests start.
pub(crate) fn sleepers() -> usize {
    let commands = checks::processes()
        .into_iter()
        .map(|(pid, ..)| fs::read(format!("/proc/{pid}/cmdline")));
    commands
        .flatten()
        .filter(|command| command == b"sleep\x00613.5\x00")
        .count()
}
