//! Threads are gone, and values of the user are dropped in silence, when a run returns.

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_pipeline::{Pipeline, PipelineError};
use support::{Bomb, quiet, within_time};

static GONE: AtomicUsize = AtomicUsize::new(0);

/// A thread-local whose destructor takes its time.
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
        // None of the workers is left without an item.
        .buffer(1)
}

/// How many have ended by now, of those that started.
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
fn a_scoped_run_returns_when_its_threads_are_joined() {
    quiet();
    within_time(|| {
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
            // A thread that was joined may still be listed for a moment, but its destructors have run.
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

#[test]
fn a_failed_collect_contains_outputs_that_panic_in_drop() {
    quiet();
    within_time(|| {
        for bombs in [1, 2, 3] {
            let fails = move |n: u32| if n < bombs { Ok(Bomb) } else { Err("no") };
            let failed = Pipeline::new().try_stage("make", 1, fails).collect(0..10);
            match failed.map(std::mem::forget) {
                Err(PipelineError::Item(error)) => assert_eq!(error.item(), bombs as usize),
                other => panic!("{other:?}"),
            }

            let panics = move |n: u32| if n < bombs { Bomb } else { panic!("expected") };
            let failed = Pipeline::new().stage("make", 1, panics).collect(0..10);
            assert!(matches!(
                failed.map(std::mem::forget),
                Err(PipelineError::Item(_))
            ));

            let pipeline = Pipeline::new();
            let handle = pipeline.handle();
            let stops = move |n: u32| {
                if n == bombs {
                    handle.stop();
                }
                Bomb
            };
            let stopped = pipeline.stage("make", 1, stops).collect(0..100_000);
            assert!(matches!(
                stopped.map(std::mem::forget),
                Err(PipelineError::Stopped)
            ));
        }
    });
}

#[test]
fn a_kept_going_run_that_is_late_contains_its_bombs() {
    quiet();
    within_time(|| {
        let late = Pipeline::new()
            .stage("make", 1, |_: u32| {
                thread::sleep(Duration::from_millis(1));
                Bomb
            })
            .deadline(Duration::from_millis(30))
            .keep_going()
            .collect(0..);
        assert!(matches!(
            late.map(std::mem::forget),
            Err(PipelineError::DeadlinePassed)
        ));
    });
}

#[test]
fn settings_that_cannot_work_are_errors_whatever_they_drop() {
    quiet();
    within_time(|| {
        let bomb = Bomb;
        let refused = Pipeline::new()
            .stage("none", 0, move |n: u32| {
                let _used = &bomb;
                n
            })
            .collect([1]);
        assert!(
            matches!(refused, Err(PipelineError::NoWorkers { .. })),
            "{refused:?}"
        );
    });
}
