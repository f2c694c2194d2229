//! What the errors say: everything in `Display`, and from `source` only what `Display` has not said.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use effective_thread_pool::{BuildError, JobError, ThreadPool};

/// All that a report of the whole chain would print.
fn chain(error: &dyn Error) -> Vec<String> {
    let behind = std::iter::successors(Some(error), |&error| error.source());
    behind.map(ToString::to_string).collect()
}

#[derive(Debug)]
struct Outer;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

fn behind_outer() -> String {
    fmt::Error.to_string()
}

#[test]
fn the_message_of_a_panic_is_in_display_and_only_there() {
    let pool = ThreadPool::new(1).unwrap();
    let error = pool
        .submit(|| -> u8 { panic!("no answer") })
        .unwrap()
        .wait()
        .unwrap_err();
    assert_eq!(chain(&error), ["the task panicked: no answer"]);
}

#[test]
fn the_words_of_the_system_are_in_display_and_only_there() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = BuildError::Spawn {
        started: 2,
        wanted: 8,
        error: error(),
    };
    let words = error();
    let said =
        format!("the system refused thread 3 of 8 ({words}): give fewer workers or smaller stacks");
    assert_eq!(chain(&shown), [said]);
}

#[test]
fn what_lies_behind_an_io_error_is_the_source() {
    let shown = BuildError::Spawn {
        started: 2,
        wanted: 8,
        error: io::Error::other(Outer),
    };
    let [said, behind] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(said.contains("no answer"), "{said}");
    assert_eq!(*behind, behind_outer());
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
            "take it out",
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
