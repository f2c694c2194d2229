//! `Retry`.

mod support;

use std::cell::Cell;
use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Context;
use std::time::{Duration, Instant};

use effective_coroutines::{Backoff, GaveUp, Retry};
use support::{Gauge, Wakes, bounded, on_each_executor, poll_once};

const MS: Duration = Duration::from_millis(1);
const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn at_once() -> Retry {
    Retry::new().backoff(Backoff::none())
}

#[test]
fn first_success_ends_the_attempts() {
    on_each_executor(async || {
        let seen = Cell::new(0);
        let value = at_once()
            .attempts(THREE)
            .run(async |attempt| {
                assert_eq!(attempt, seen.replace(attempt) + 1);
                if attempt == 3 {
                    Ok("here")
                } else {
                    Err("busy")
                }
            })
            .await;
        assert_eq!((value, seen.get()), (Ok("here"), 3));
    });
}

#[test]
fn last_error_is_returned_after_the_last_attempt() {
    on_each_executor(async || {
        let error = at_once()
            .attempts(THREE)
            .run(async |attempt| Err::<(), _>(attempt * 10))
            .await
            .unwrap_err();
        assert_eq!((error.attempts(), error.gave_up()), (3, GaveUp::Attempts));
        assert_eq!(error.last(), Some(&30));
        assert_eq!(error.into_last(), Some(30));
    });
}

#[test]
fn error_that_is_not_retryable_is_the_last() {
    on_each_executor(async || {
        let error = at_once()
            .retry_if(|error: &&str| *error == "busy")
            .run(async |attempt| Err::<(), _>(if attempt == 1 { "busy" } else { "forbidden" }))
            .await
            .unwrap_err();
        assert_eq!(
            (error.attempts(), error.gave_up()),
            (2, GaveUp::NotRetryable)
        );
        assert_eq!(error.last(), Some(&"forbidden"));
    });
}

#[test]
fn attempt_is_dropped_at_the_timeout() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let error = at_once()
            .timeout(2 * MS)
            .run(|attempt| {
                let live = gauge.enter();
                async move {
                    if attempt > 1 {
                        pending::<()>().await;
                    }
                    drop(live);
                    Err::<(), _>("busy")
                }
            })
            .await
            .unwrap_err();
        assert_eq!((error.attempts(), error.gave_up()), (2, GaveUp::TimedOut));
        assert_eq!((error.last(), gauge.live()), (Some(&"busy"), 0));
    });
}

#[test]
fn pause_beyond_the_deadline_does_not_begin() {
    on_each_executor(async || {
        let start = Instant::now();
        let error = Retry::new()
            .backoff(Backoff::constant(Duration::from_secs(1_000)))
            .deadline(start + Duration::from_secs(500))
            .run(async |_| Err::<(), _>("busy"))
            .await
            .unwrap_err();
        assert_eq!((error.attempts(), error.gave_up()), (1, GaveUp::TimedOut));
        assert!(start.elapsed() < Duration::from_secs(100));
    });
}

#[test]
fn no_attempt_starts_after_the_timeout() {
    bounded(|| {
        let begun = Cell::new(0);
        let retry = Retry::new()
            .backoff(Backoff::constant(10 * MS))
            .timeout(200 * MS);
        let mut running = pin!(retry.run(async |_| {
            begun.set(begun.get() + 1);
            Err::<(), _>("busy")
        }));
        // The first attempt, and the start of the pause.
        for _ in 0..2 {
            assert!(poll_once(running.as_mut()).is_pending());
        }
        // The thread is blocked beyond the end of the pause.
        std::thread::sleep(300 * MS);
        let error = futures::executor::block_on(running).unwrap_err();
        assert_eq!((begun.get(), error.attempts()), (1, 1));
        assert_eq!(
            (error.gave_up(), error.last()),
            (GaveUp::TimedOut, Some(&"busy"))
        );
    });
}

#[test]
fn pauses_are_kept() {
    on_each_executor(async || {
        let start = Instant::now();
        let retry = Retry::new()
            .attempts(THREE)
            .backoff(Backoff::exponential(2 * MS, 2.0));
        let error = retry.run(async |_| Err::<(), _>(())).await.unwrap_err();
        assert_eq!(error.attempts(), 3);
        assert!(start.elapsed() >= 6 * MS);
    });
}

#[test]
fn attempts_may_borrow_and_need_not_be_send() {
    on_each_executor(async || {
        let name = String::from("n");
        let not_send = std::rc::Rc::new(());
        let length = at_once()
            .run(async |_| {
                let _here = std::rc::Rc::clone(&not_send);
                Ok::<_, ()>(name.len())
            })
            .await;
        assert_eq!(length, Ok(1));
    });
}

#[test]
fn attempts_that_fail_at_once_yield_to_the_executor() {
    bounded(|| {
        let retry = at_once().attempts(NonZeroUsize::MAX);
        let mut running = pin!(retry.run(async |_| Err::<(), ()>(())));
        let (wakes, waker) = Wakes::new();
        for round in 1..=5 {
            assert!(
                running
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            assert_eq!(wakes.count(), round);
        }
    });
}
