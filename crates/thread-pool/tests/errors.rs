//! The texts of errors: `Display` has everything, and `source` only what `Display` does not have.

mod support;

use std::io;
use std::time::Duration;

use effective_thread_pool::{BuildError, JobError, ThreadPool};
use support::errors::{Outer, chain, source_of_outer};

#[test]
fn display_has_the_panic_message_once() {
    let pool = ThreadPool::new(1).unwrap();
    let error = pool
        .submit(|| -> u8 { panic!("no answer") })
        .unwrap()
        .wait()
        .unwrap_err();
    assert_eq!(chain(&error), ["the task panicked: no answer"]);
}

#[test]
fn display_has_the_system_error_once() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = BuildError::Spawn {
        started: 2,
        wanted: 8,
        error: error(),
    };
    let words = error();
    let said =
        format!("the system refused thread 3 of 8 ({words}): set fewer workers or smaller stacks");
    assert_eq!(chain(&shown), [said]);
}

#[test]
fn source_skips_the_io_error_in_display() {
    let shown = BuildError::Spawn {
        started: 2,
        wanted: 8,
        error: io::Error::other(Outer),
    };
    let [said, behind] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(said.contains("no answer"), "{said}");
    assert_eq!(*behind, source_of_outer());
}

#[test]
fn each_error_says_what_to_do() {
    for (error, advice) in [
        (ThreadPool::new(0).unwrap_err(), "at least 1"),
        (
            ThreadPool::new(1 << 20).unwrap_err(),
            "as many as there are cores",
        ),
        (
            ThreadPool::builder()
                .name_prefix("a\0b")
                .build()
                .unwrap_err(),
            "remove it",
        ),
    ] {
        assert!(error.to_string().contains(advice), "{error}");
    }
    let cancelled = JobError::Cancelled.to_string();
    assert!(cancelled.contains("submit it again"), "{cancelled}");
    let ring = JobError::WouldDeadlock.to_string();
    assert!(ring.contains("wait outside the pool"), "{ring}");

    let pool = ThreadPool::new(1).unwrap();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let job = pool.submit(move || gate.recv().is_err()).unwrap();
    let late = pool.shutdown_timeout(Duration::from_millis(1)).unwrap_err();
    assert!(late.to_string().contains("allow more time"), "{late}");
    drop(open);
    assert!(job.wait().unwrap());
}
