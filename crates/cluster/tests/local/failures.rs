//! Attempts that fail, and jobs that are poisoned.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_cluster::{Cluster, JobError, Poisoned, Reason, Retry, job, register};
use serde::{Deserialize, Serialize};

static CALLS: AtomicU32 = AtomicU32::new(0);
static NAPS: AtomicU32 = AtomicU32::new(0);

job! {
    fn fail(message: String) { panic!("{message}") }

    fn fail_twice() -> u32 {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed);
        assert!(calls >= 2, "call {calls}");
        calls
    }

    fn sleep(milliseconds: u64) { thread::sleep(Duration::from_millis(milliseconds)); }

    fn sleep_once(milliseconds: u64) -> u32 {
        let naps = NAPS.fetch_add(1, Ordering::Relaxed);
        if naps == 0 {
            thread::sleep(Duration::from_millis(milliseconds));
        }
        naps
    }

    fn refuse() -> Unwilling { Unwilling }
    fn double(number: u64) -> u64 { 2 * number }
}

/// Cannot be encoded.
#[derive(Debug, Deserialize)]
struct Unwilling;

impl Serialize for Unwilling {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

fn attempts(number: u32) -> Retry {
    Retry::new(NonZeroU32::new(number).unwrap())
}

#[track_caller]
fn poisoned<T: std::fmt::Debug>(result: Result<T, JobError>) -> Poisoned {
    match result {
        Err(JobError::Poisoned(poisoned)) => poisoned,
        other => panic!("not poisoned: {other:?}"),
    }
}

#[test]
fn panic_poisons_after_last_attempt() {
    let cluster = Cluster::local(1).unwrap();
    let result = cluster.submit::<fail>("no luck".to_owned()).unwrap().wait();
    let error = poisoned(result);
    assert_eq!(error.attempts(), 3);
    assert!(matches!(error.reason(), Reason::Panicked(panic) if panic.message() == "no luck"));
    assert_eq!(cluster.counts().failed_attempts, 3);
    // The thread lives on.
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
}

#[test]
fn later_attempt_succeeds_after_pause() {
    let retry = attempts(3).pause(Duration::from_millis(20));
    let cluster = Cluster::builder().retry(retry).local(1).unwrap();
    let start = Instant::now();
    assert_eq!(cluster.submit::<fail_twice>(()).unwrap().wait().unwrap(), 2);
    assert!(start.elapsed() >= Duration::from_millis(40));
}

#[test]
fn job_beyond_its_limit_is_given_up() {
    let limit = Duration::from_millis(30);
    let cluster = Cluster::builder().retry(attempts(1)).local(1).unwrap();
    let submission = cluster.submission().time_limit(limit);
    let error = poisoned(submission.submit::<sleep>(400).unwrap().wait());
    assert!(matches!(error.reason(), Reason::TimedOut(found) if *found == limit));
    // Another thread has taken the place of the one that still sleeps.
    let start = Instant::now();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn attempt_after_timeout_succeeds() {
    let cluster = Cluster::builder()
        .time_limit(Duration::from_millis(50))
        .local(1)
        .unwrap();
    assert_eq!(
        cluster.submit::<sleep_once>(300).unwrap().wait().unwrap(),
        1
    );
}

#[test]
fn slot_returns_when_given_up_job_does() {
    let limit = Duration::from_millis(10);
    let cluster = Cluster::builder()
        .retry(attempts(1))
        .time_limit(limit)
        .local(1)
        .unwrap();
    // More than are replaced.
    for _ in 0..4 {
        poisoned(cluster.submit::<sleep>(100).unwrap().wait());
    }
    let submission = cluster.submission().time_limit(Duration::from_secs(60));
    assert_eq!(submission.submit::<double>(4).unwrap().wait().unwrap(), 8);
}

#[test]
fn output_that_cannot_be_encoded_is_a_reason() {
    let cluster = Cluster::local(1).unwrap();
    let error = poisoned(cluster.submit::<refuse>(()).unwrap().wait());
    assert!(matches!(error.reason(), Reason::Output(_)), "{error}");
}

#[test]
fn unknown_job_is_unclaimed() {
    let jobs = register![double];
    let cluster = Cluster::builder().jobs(&jobs).local(1).unwrap();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    let result = cluster.submit::<sleep>(1).unwrap().wait();
    assert!(matches!(result, Err(JobError::Unclaimed { name, .. }) if name.ends_with("::sleep")));
}
