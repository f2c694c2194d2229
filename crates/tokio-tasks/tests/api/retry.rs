//! `Retry`.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::{Duration, Instant};

use crate::runtime::spawned;
use crate::support::{Gauge, on_each_runtime, poll_times, turns};
use crate::tasks::{Backoff, GaveUp, Retry};

const MS: Duration = Duration::from_millis(1);

fn attempts(most: usize) -> Retry {
    Retry::new()
        .attempts(NonZeroUsize::new(most).unwrap())
        .backoff(Backoff::none())
}

#[test]
fn first_success_ends_the_attempts() {
    on_each_runtime(async || {
        let seen = RefCell::new(Vec::new());
        let result = attempts(10)
            .run(|attempt| {
                seen.borrow_mut().push(attempt);
                async move {
                    turns(1).await;
                    if attempt == 4 {
                        Ok(attempt)
                    } else {
                        Err(attempt)
                    }
                }
            })
            .await;
        assert_eq!(result.unwrap(), 4);
        assert_eq!(seen.into_inner(), [1, 2, 3, 4]);
    });
}

#[test]
fn last_error_is_returned_after_the_last_attempt() {
    on_each_runtime(async || {
        for most in [1, 2, 7] {
            let result = attempts(most)
                .run(async |attempt| Err::<(), _>(attempt))
                .await;
            let error = result.unwrap_err();
            assert_eq!(error.gave_up(), GaveUp::Attempts);
            assert_eq!(error.attempts(), most);
            assert_eq!(error.last(), Some(&most));
            assert_eq!(error.into_last(), Some(most));
        }
    });
}

#[test]
fn error_that_is_not_retryable_is_the_last() {
    on_each_runtime(async || {
        let result = attempts(10)
            .retry_if(|error: &usize| *error < 3)
            .run(async |attempt| Err::<(), _>(attempt))
            .await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.gave_up(), error.attempts()),
            (GaveUp::NotRetryable, 3)
        );
        assert_eq!(
            error.to_string(),
            "failed at attempt 3 with an error that is not retryable; the last error: 3"
        );
    });
}

#[test]
fn pauses_are_kept() {
    on_each_runtime(async || {
        let start = Instant::now();
        let result = attempts(4)
            .backoff(Backoff::exponential(2 * MS, 2.0).max(5 * MS))
            .run(async |_| Err::<(), _>("no"))
            .await;
        assert!(result.is_err());
        // 2, 4 and 5 ms. There is no pause after the last attempt.
        assert!(start.elapsed() >= 11 * MS, "{:?}", start.elapsed());
    });
}

#[test]
fn attempt_is_dropped_at_the_timeout() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let result = attempts(10)
            .timeout(20 * MS)
            .run(|attempt| {
                let live = gauge.enter();
                async move {
                    let _live = live;
                    if attempt == 3 {
                        pending::<()>().await;
                    }
                    Err::<(), _>(attempt)
                }
            })
            .await;
        assert_eq!(gauge.live(), 0);
        let error = result.unwrap_err();
        assert_eq!((error.gave_up(), error.attempts()), (GaveUp::TimedOut, 3));
        assert_eq!(error.last(), Some(&2));

        let never = attempts(10)
            .timeout(MS)
            .run(async |_| pending::<Result<(), &str>>().await);
        let error = never.await.unwrap_err();
        assert_eq!((error.last(), error.attempts()), (None, 1));
        assert!(error.to_string().contains("allow more time"), "{error}");
    });
}

#[test]
fn pause_beyond_the_deadline_does_not_begin() {
    on_each_runtime(async || {
        let start = Instant::now();
        let hour = Duration::from_secs(3_600);
        for retry in [
            attempts(2).timeout(hour / 2),
            attempts(2).deadline(start + hour / 2),
            attempts(2).timeout(hour * 2).deadline(start + hour / 2),
        ] {
            let result = retry
                .backoff(Backoff::constant(hour))
                .run(async |_| Err::<(), _>("busy"))
                .await;
            let error = result.unwrap_err();
            assert_eq!((error.gave_up(), error.attempts()), (GaveUp::TimedOut, 1));
            assert_eq!(error.last(), Some(&"busy"));
        }
        assert!(start.elapsed() < hour / 2);
    });
}

#[test]
fn timeout_too_long_for_the_clock_is_no_limit() {
    on_each_runtime(async || {
        let result = attempts(2)
            .timeout(Duration::MAX)
            .run(async |_| Ok::<_, ()>(1))
            .await;
        assert_eq!(result.unwrap(), 1);
    });
}

#[test]
fn attempts_may_borrow_or_be_spawned() {
    on_each_runtime(async || {
        let text = String::from("borrowed");
        let calls = Cell::new(0);
        let result = attempts(3)
            .run(|_| {
                calls.set(calls.get() + 1);
                let text = &text;
                async move {
                    if text.is_empty() {
                        Ok(())
                    } else {
                        Err(text.len())
                    }
                }
            })
            .await;
        assert_eq!((result.unwrap_err().into_last(), calls.get()), (Some(8), 3));

        let result = spawned(attempts(3).run(|attempt| async move {
            turns(1).await;
            if attempt == 3 {
                Ok(attempt)
            } else {
                Err("again")
            }
        }));
        assert_eq!(result.await.unwrap(), 3);
    });
}

#[test]
fn attempts_that_fail_at_once_yield_to_others() {
    on_each_runtime(async || {
        let calls = Cell::new(0_u32);
        let endless = attempts(usize::MAX).run(async |_| {
            calls.set(calls.get() + 1);
            Err::<(), _>(())
        });
        assert!(poll_times(pin!(endless), 10).await.is_none());
        assert_eq!(calls.get(), 10);
    });
}

#[test]
fn no_attempt_starts_after_the_timeout() {
    on_each_runtime(async || {
        let ms = Duration::from_millis;
        let mut attempts = 0;
        let begin = Instant::now();
        let run = Retry::new()
            .attempts(NonZeroUsize::new(5).unwrap())
            .backoff(Backoff::constant(ms(20)))
            .timeout(ms(100))
            .run(|_| {
                attempts += 1;
                async { Err::<(), _>("busy") }
            });
        // The thread is blocked in the first pause, until the time has run out.
        let mut run = pin!(run);
        assert!(poll_times(run.as_mut(), 3).await.is_none());
        if begin.elapsed() < ms(20) {
            std::thread::sleep(ms(150));
            let error = run.await.unwrap_err();
            assert_eq!((error.gave_up(), error.attempts()), (GaveUp::TimedOut, 1));
        }
    });
}
