//! Threads that the system refuses.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod child;
    pub(crate) mod gauge;
}

use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{TaskError, Threads};
use rustix::process::Resource;
use support::child::{in_a_child, lower};
use support::gauge::Gauge;

#[test]
fn fault_7_refused_thread_waits_for_another_to_end() {
    in_a_child("fault_7_refused_thread_waits_for_another_to_end", || {
        // Room for a few stacks of this size. A refusal leaves enough memory for a thread that
        // still starts: one that gets none would abort the process.
        lower(Resource::As, 2 << 30);
        let gauge = Gauge::default();
        let results = Threads::new().stack_size(256 << 20).map(0..60, |n| {
            gauge.during(|| thread::sleep(Duration::from_millis(5)));
            n
        });
        let values: Vec<_> = results
            .into_iter()
            .map(|result| result.expect("the task runs"))
            .collect();
        assert_eq!(values, (0..60).collect::<Vec<_>>());
        assert!((1..=8).contains(&gauge.peak()), "{}", gauge.peak());
    });
}

#[test]
fn fault_7_refused_thread_waits_until_the_deadline() {
    in_a_child("fault_7_refused_thread_waits_until_the_deadline", || {
        lower(Resource::As, 2 << 30);
        let threads = Threads::new()
            .stack_size(256 << 20)
            .deadline(Duration::from_millis(300));
        let results = threads.map(0..60, |_| thread::sleep(Duration::from_millis(350)));
        let started = results.iter().take_while(|result| result.is_ok()).count();
        assert!((1..=8).contains(&started), "{started}");
        assert!(
            results[started..]
                .iter()
                .all(|result| matches!(result, Err(TaskError::TimedOut))),
            "{results:?}"
        );
    });
}

#[test]
fn fault_7_task_whose_thread_never_starts_is_refused() {
    let start = Instant::now();
    let results = Threads::new()
        .stack_size(usize::MAX / 4)
        .map(0..1_000, |n| n);
    assert_eq!(results.len(), 1_000);
    for result in results {
        let error = result.expect_err("no system has that much memory");
        assert!(matches!(error, TaskError::Refused(_)), "{error}");
        assert!(error.to_string().contains("smaller stack"), "{error}");
    }
    // The time to retry counts once for all tasks, not a tenth of a second for each.
    assert!(start.elapsed() < Duration::from_secs(30));
}
