//! The messages and sources of errors: `source` repeats nothing that `Display` has said.

use std::error::Error;
use std::fmt;

use crate::support::on_each_runtime;
use crate::tasks::{
    Backoff, GroupError, NoFutures, Retry, RetryError, TaskError, TaskGroup, TaskPanic, TimedOut,
    first_completed, gather, map,
};

/// The messages of an error and of all its sources.
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
fn panic_message_is_in_display_only() {
    on_each_runtime(async || {
        let results = map([7], async |n| -> u8 { panic!("no {n}") }).await;
        let error = results.into_iter().next().unwrap().unwrap_err();
        assert_eq!(chain(&error), ["the task panicked: no 7"]);

        let mut group = TaskGroup::<(), Outer>::new();
        group.spawn(async { panic!("gone") });
        let failures = group.join_all().await.unwrap_err().into_failures();
        assert_eq!(chain(&failures[0].1), ["the task panicked: gone"]);
    });
}

#[test]
fn failed_task_shows_its_error_and_keeps_its_source() {
    on_each_runtime(async || {
        let mut group = TaskGroup::<(), Outer>::new();
        group.spawn(async { Err(Outer) });
        let error = group.join_all().await.unwrap_err();
        assert_eq!(
            chain(&error.failures()[0].1),
            ["no answer".to_owned(), behind_outer()]
        );
        // A group error has no source, because it may have several failures.
        assert_eq!(
            chain(&error),
            ["1 of 1 tasks failed, 0 cancelled; task 0: no answer"]
        );
    });
}

#[test]
fn errors_say_what_to_do() {
    let cancelled = TaskError::<Outer>::Cancelled.to_string();
    assert!(cancelled.contains("run it again"), "{cancelled}");
    on_each_runtime(async || {
        let none = first_completed(Vec::<std::future::Ready<()>>::new()).await;
        let none = none.unwrap_err().to_string();
        assert!(none.contains("at least one"), "{none}");
    });
}

#[test]
fn retry_error_shows_its_last_error_and_keeps_its_source() {
    on_each_runtime(async || {
        let retry = Retry::new().backoff(Backoff::none());
        let error = retry.run(async |_| Err::<(), _>(Outer)).await.unwrap_err();
        assert_eq!(
            chain(&error),
            [
                "failed after 3 attempts, the limit: allow more; the last error: no answer"
                    .to_owned(),
                behind_outer()
            ]
        );
    });
}

#[test]
fn errors_are_send_and_sync_and_small() {
    fn assert_error<T: Error + Send + Sync + 'static>() {}
    assert_error::<TaskError>();
    assert_error::<TaskPanic>();
    assert_error::<TimedOut>();
    assert_error::<TaskError<std::io::Error>>();
    assert_error::<NoFutures>();
    assert_error::<GroupError<std::io::Error>>();
    assert_error::<RetryError<std::io::Error>>();
    assert_eq!(size_of::<Result<u64, TaskError>>(), 16);
}

#[test]
fn futures_are_send() {
    fn assert_send<T: Send>(_: &T) {}
    let futures = || [std::future::ready(1)];
    assert_send(&map(0..3, |n| async move { n }));
    assert_send(&gather(futures()));
    assert_send(&first_completed(futures()));
    assert_send(&crate::tasks::as_completed(0..3, |n| async move { n }));
    assert_send(&crate::tasks::timeout(
        std::time::Duration::ZERO,
        std::future::ready(1),
    ));
    assert_send(&crate::tasks::deadline(
        std::time::Instant::now(),
        std::future::ready(1),
    ));
    assert_send(&Retry::new().run(|_| std::future::ready(Ok::<_, ()>(1))));
}
