//! `Tasks::time_limit` and `Tasks::retry`: one error for each task.

mod support;

use std::cell::Cell;
use std::future::{pending, ready};
use std::num::NonZeroUsize;
use std::time::Duration;

use effective_coroutines::{Backoff, GaveUp, Retry, TaskError, Tasks};
use futures::stream::{FusedStream, StreamExt};
use support::{Gauge, on_each_executor, turns};

const SOON: Duration = Duration::from_millis(2);
const LIMIT: Duration = Duration::from_millis(250);
const MINUTE: Duration = Duration::from_secs(60);
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn at_once() -> Retry {
    Retry::new().backoff(Backoff::none())
}

#[test]
fn time_limit_ends_only_the_late_tasks() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let results = Tasks::new()
            .limit(TWO)
            .time_limit(SOON)
            .map(0..10, |n| {
                gauge.task(if n % 2 == 0 { 0 } else { usize::MAX }, n)
            })
            .await;
        for (n, result) in results.into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!((n % 2, value), (0, n)),
                Err(TaskError::TimedOut(late)) => assert_eq!((n % 2, late.after()), (1, SOON)),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((gauge.live(), gauge.completed()), (0, 5));
    });
}

#[test]
fn time_limit_counts_from_the_start_of_each_task() {
    on_each_executor(async || {
        let one = NonZeroUsize::new(1).unwrap();
        let tasks = Tasks::new().limit(one).time_limit(SOON * 10);
        let results = tasks.map(0..20, |_| async_io::Timer::after(SOON)).await;
        // Together they take longer than one may.
        assert!(results.iter().filter(|result| result.is_ok()).count() > 10);
    });
}

#[test]
fn retry_runs_each_task_until_it_succeeds() {
    on_each_executor(async || {
        let (calls, names) = (Cell::new(0), [String::from("a"), String::from("b")]);
        let results = Tasks::new()
            .retry(at_once())
            .map(&names, async |name, attempt| {
                calls.set(calls.get() + 1);
                turns(attempt).await;
                match attempt {
                    1 => Err("busy"),
                    _ => Ok(name.as_str()),
                }
            })
            .await;
        let values: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!((values, calls.get()), (vec!["a", "b"], 4));
    });
}

#[test]
fn each_kind_of_failure_is_one_variant() {
    on_each_executor(async || {
        let order = async |name, attempt| match name {
            "ok" => Ok(attempt),
            "busy" => Err("no answer"),
            "late" => pending().await,
            _ => panic!("no such order"),
        };
        let tasks = Tasks::new().time_limit(LIMIT).retry(at_once());
        let results = tasks.map(["ok", "busy", "late"], order).await;
        let [Ok(1), Err(busy), Err(late)] = &results[..] else {
            panic!("{results:?}");
        };
        let TaskError::Retry(error) = busy else {
            panic!("{busy:?}");
        };
        let expected = (GaveUp::Attempts, Some(&"no answer"));
        assert_eq!((error.gave_up(), error.last()), expected);
        assert_eq!(
            busy.to_string(),
            "the task failed after 3 attempts, the limit: allow more; the last error: no answer"
        );
        assert!(matches!(late, TaskError::TimedOut(_)));
        assert_eq!(
            late.to_string(),
            "the task timed out after 250ms: allow more time"
        );
        // Apart from the others, because a backtrace may take longer than their time limit.
        let results = Tasks::new().retry(at_once()).map(["panic"], order).await;
        assert!(matches!(&results[..], [Err(TaskError::Panicked(_))]));
    });
}

#[test]
fn timeout_of_the_retry_is_an_error_of_the_retry() {
    on_each_executor(async || {
        let retry = at_once().timeout(SOON);
        let results = Tasks::new()
            .time_limit(MINUTE)
            .retry(retry)
            .map([()], |(), _| pending::<Result<(), &str>>())
            .await;
        let Err(TaskError::Retry(error)) = &results[0] else {
            panic!("{results:?}");
        };
        assert_eq!((error.gave_up(), error.last()), (GaveUp::TimedOut, None));
    });
}

#[test]
fn results_of_timed_and_retried_tasks_can_be_streamed() {
    on_each_executor(async || {
        let mut timed = Tasks::new()
            .limit(TWO)
            .time_limit(MINUTE)
            .as_completed(0..10, ready);
        let mut sum = 0;
        while let Some((index, result)) = timed.next().await {
            assert_eq!(index, result.unwrap());
            sum += index;
        }
        assert!(timed.is_terminated());
        assert_eq!(sum, 45);

        let tasks = Tasks::new().limit(TWO).retry(at_once());
        let results = tasks.as_completed(0..10, async |n, attempt| match attempt {
            1 => Err(n),
            _ if n == 7 => Err(n),
            _ => Ok(n),
        });
        let results: Vec<_> = results.collect().await;
        let failed: Vec<_> = results
            .iter()
            .filter(|(_, result)| result.is_err())
            .collect();
        assert_eq!(results.len(), 10);
        let [(7, Err(TaskError::Retry(error)))] = failed[..] else {
            panic!("{failed:?}");
        };
        assert_eq!(error.last(), Some(&7));
    });
}
