//! The end of a scoped run: its threads have been joined.

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_pipeline::Pipeline;
use support::{quiet, within_deadline};

static GONE: AtomicUsize = AtomicUsize::new(0);

/// A thread-local with a slow destructor.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(50));
        GONE.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local!(static LATE: Late = const { Late });

fn stage<'a>() -> Pipeline<'a, u64, u64> {
    Pipeline::new()
        .stage("tls", 3, |n: u64| {
            LATE.with(|_| ());
            n
        })
        // So that every worker gets an item.
        .buffer(1)
}

/// The number of threads whose destructors have run, and of those that are left.
fn gone_and_left() -> (usize, usize) {
    let tasks = fs::read_dir("/proc/self/task").map_or(0, |tasks| {
        let names = tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("tls-")).count()
    });
    (GONE.load(Ordering::SeqCst), tasks)
}

#[test]
fn scoped_run_returns_after_joining_its_threads() {
    quiet();
    within_deadline(|| {
        type Run = fn();
        let runs: [(&str, Run); 5] = [
            ("collect", || drop(stage().collect(0..100).unwrap())),
            ("for_each", || stage().for_each(0..100, |_| ()).unwrap()),
            ("run", || {
                let taken = stage().run(0.., |mut outputs| outputs.nth(50));
                assert_eq!(taken.unwrap(), Some(50));
            }),
            ("keep_going", || {
                drop(stage().keep_going().collect(0..100).unwrap());
            }),
            ("panic", || {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    stage().for_each(0.., |n| assert!(n < 50, "expected of the consumer"))
                }));
                assert!(panicked.is_err());
            }),
        ];
        for (name, run) in runs {
            run();
            let (gone, left) = gone_and_left();
            // A joined thread may still be listed for a moment, but its destructors have run.
            thread::sleep(Duration::from_millis(100));
            assert_eq!(
                gone,
                GONE.load(Ordering::SeqCst),
                "{name}: {left} threads were left"
            );
        }
        assert!(GONE.load(Ordering::SeqCst) >= 5);
    });
}
