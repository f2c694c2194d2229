//! `map`: order, panics, borrowing, and the settings of the threads.

mod support {
    pub(crate) mod bomb;
}

use std::num::NonZeroUsize;
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_threads::{TaskError, Threads};
use support::bomb::Bomb;

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

fn values<R: std::fmt::Debug>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .map(|result| result.expect("the task succeeds"))
        .collect()
}

#[test]
fn map_keeps_order_even_if_the_first_task_ends_last() {
    let ends = Mutex::new(Vec::new());
    let results = effective_threads::map(0..4, |n| {
        // Each task waits for all tasks after it.
        while ends.lock().unwrap().len() < 3 - n {
            thread::sleep(Duration::from_millis(1));
        }
        ends.lock().unwrap().push(n);
        n
    });
    assert_eq!(values(results), [0, 1, 2, 3]);
    assert_eq!(ends.into_inner().unwrap(), [3, 2, 1, 0]);
}

#[test]
fn map_takes_no_task_and_one_task() {
    assert!(effective_threads::map(Vec::<u8>::new(), |n| n).is_empty());
    assert_eq!(values(effective_threads::map([7], |n| n + 1)), [8]);
}

#[test]
fn map_runs_1000_tasks_with_and_without_a_limit() {
    let expected: Vec<_> = (0..1_000).map(|n| n * 2).collect();
    assert_eq!(
        values(effective_threads::map(0..1_000, |n| n * 2)),
        expected
    );
    assert_eq!(
        values(Threads::new().limit(at_most(3)).map(0..1_000, |n| n * 2)),
        expected
    );
    assert_eq!(
        values(Threads::new().limit_to_cores().map(0..1_000, |n| n * 2)),
        expected
    );
}

#[test]
fn each_task_has_its_own_thread() {
    let mut ids = values(
        Threads::new()
            .limit(at_most(1))
            .map(0..50, |_| thread::current().id()),
    );
    ids.push(thread::current().id());
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 51);
}

#[test]
fn all_tasks_run_at_once_without_a_limit() {
    let all = std::sync::Barrier::new(64);
    assert_eq!(effective_threads::map(0..64, |_| all.wait()).len(), 64);
}

#[test]
fn map_borrows_from_the_caller() {
    let words = vec![String::from("alpha"), String::from("beta")];
    let suffix = String::from("!");
    let mut counts = [0, 0];
    let firsts = values(effective_threads::map(&words, |word| &word[..1]));
    assert_eq!(firsts, ["a", "b"]);
    values(effective_threads::map(
        words.iter().zip(&mut counts),
        |(word, count)| *count = word.len() + suffix.len(),
    ));
    assert_eq!(counts, [6, 5]);
}

/// Alive until the destructors of the thread have run, not only until the task returns.
struct Alive(&'static AtomicUsize);

impl Drop for Alive {
    fn drop(&mut self) {
        // Long enough to detect a thread that starts too early.
        thread::sleep(Duration::from_micros(200));
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn limit_counts_threads_until_they_are_gone() {
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static ALIVE: Alive = {
        LIVE.fetch_add(1, Ordering::SeqCst);
        Alive(&LIVE)
    });
    for limit in [1, 3] {
        let results = Threads::new().limit(at_most(limit)).map(0..100, |n| {
            let live = ALIVE.with(|alive| alive.0.load(Ordering::SeqCst));
            if n % 10 == 0 {
                panic!("a panicking task releases its permit");
            }
            live
        });
        let most = results.into_iter().flatten().max();
        assert!(
            most.is_some_and(|most| most <= limit),
            "{most:?} of {limit}"
        );
    }
}

#[test]
fn as_many_tasks_run_at_once_as_the_limit_allows() {
    let three = std::sync::Barrier::new(3);
    assert_eq!(
        Threads::new()
            .limit(at_most(3))
            .map(0..30, |_| three.wait())
            .len(),
        30
    );
}

#[test]
fn fault_1_panic_fails_only_its_own_task() {
    let results = effective_threads::map(0..10, |n| if n == 4 { panic!("no {n}") } else { n });
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(value, n),
            Err(TaskError::Panicked(panic)) => assert_eq!((n, panic.message()), (4, "no 4")),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn fault_2_payload_that_panics_when_dropped_is_contained() {
    let results = Threads::new().limit(at_most(2)).map(0..20, |n| {
        if n % 2 == 0 {
            panic::panic_any(Bomb)
        } else {
            n
        }
    });
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, Err(TaskError::Panicked(_))))
            .count(),
        10
    );
    drop(results);
}

#[test]
fn iterator_panics_before_any_task_starts() {
    let started = AtomicUsize::new(0);
    let inputs = (0..10).inspect(|&n| assert!(n < 5, "no more"));
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        effective_threads::map(inputs, |_| started.fetch_add(1, Ordering::SeqCst));
    }));
    assert!(outcome.is_err());
    assert_eq!(started.into_inner(), 0);
}

#[test]
fn no_task_starts_after_the_deadline() {
    let started = AtomicUsize::new(0);
    let threads = Threads::new()
        .limit(at_most(2))
        .deadline(Duration::from_millis(300));
    let results = threads.map(0..6, |n| {
        started.fetch_add(1, Ordering::SeqCst);
        // Beyond the deadline, so that no third task can start.
        thread::sleep(Duration::from_millis(350));
        n
    });
    let started = started.into_inner();
    assert!((1..=2).contains(&started), "{started}");
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert!(n < started && *value == n),
            Err(error) => assert!(n >= started && matches!(error, TaskError::TimedOut)),
        }
    }
}

#[test]
fn deadline_of_zero_starts_no_task() {
    let none = Threads::new().deadline(Duration::ZERO).map(0..3, |n| n);
    assert!(
        none.iter()
            .all(|result| matches!(result, Err(TaskError::TimedOut)))
    );
    assert_eq!(
        values(Threads::new().deadline(Duration::MAX).map(0..3, |n| n)),
        [0, 1, 2]
    );
}

#[test]
fn thread_is_named_by_prefix_and_index() {
    let name = |_| thread::current().name().map(str::to_owned);
    let named = Threads::new().name_prefix("crawl");
    assert_eq!(
        values(named.map(0..2, name)),
        [Some("crawl-0".to_owned()), Some("crawl-1".to_owned())]
    );
    assert_eq!(values(effective_threads::map(0..1, name)), [None]);
}

#[test]
fn larger_stack_holds_a_deep_recursion() {
    fn depth(n: u32) -> u32 {
        let frame = std::hint::black_box([n; 256]);
        if n == 0 {
            0
        } else {
            depth(n - 1) + frame[0].min(1)
        }
    }
    // 10,000 frames of at least a kilobyte do not fit in the default 2 MiB.
    let threads = Threads::new().stack_size(256 << 20);
    assert_eq!(values(threads.map([10_000], depth)), [10_000]);
}

#[test]
#[should_panic(expected = "remove it from the prefix")]
fn name_prefix_with_a_nul_byte_panics() {
    let _ = Threads::new().name_prefix("a\0b");
}

#[test]
fn map_nests() {
    let sums = effective_threads::map(0..8_u64, |n| {
        values(effective_threads::map(0..8, |m| n * m))
            .into_iter()
            .sum::<u64>()
    });
    assert_eq!(values(sums), [0, 28, 56, 84, 112, 140, 168, 196]);
}

#[test]
fn unused_input_that_panics_when_dropped_loses_no_result() {
    let results = Threads::new()
        .deadline(Duration::ZERO)
        .map([Some(Bomb), None, Some(Bomb)], std::mem::forget);
    let timed_out = |result| matches!(result, &Err(TaskError::TimedOut));
    assert!(results.len() == 3 && results.iter().all(timed_out));
}

/// Claims to have more items than fit in memory.
struct Boastful(u32);

impl Iterator for Boastful {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

#[test]
fn absurd_size_hint_reserves_no_memory() {
    let results = Threads::new().map(Boastful(3), |n| n);
    let values: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(values, [2, 1, 0]);
}
