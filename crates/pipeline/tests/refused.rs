//! Threads that the system refuses.
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;

use effective_pipeline::{BuildError, Pipeline, PipelineError};
use support::{eventually, threads_named, within_deadline};

/// Set in the child with limited memory: the limit applies to a whole process.
const LIMITED: &str = "PIPELINE_TEST_LIMITED";

fn never() -> impl Iterator<Item = u64> + Send + 'static {
    std::iter::from_fn(|| panic!("an input was pulled"))
}

#[test]
fn refused_thread_is_an_error_and_leaves_no_thread() {
    if std::env::var_os(LIMITED).is_some() {
        for round in 0..20_u32 {
            // 2 GiB hold a few stacks of 256 MiB, but not 33.
            let pipeline = Pipeline::new()
                .stage("denied-one", 16, |n: u64| n)
                .stage("denied-two", 16, |n| n)
                .stack_size(256 << 20);
            let refused = if round.is_multiple_of(2) {
                pipeline.collect(never()).map(drop)
            } else {
                pipeline.spawn(never()).map(drop)
            };
            match refused {
                Err(PipelineError::Refused {
                    started,
                    wanted: 33,
                    ..
                }) => assert!((1..33).contains(&started)),
                other => panic!("expected a refusal: {other:?}"),
            }
            eventually(|| threads_named("denied-") == 0);
        }
        // The memory of the refused run has been released.
        let outputs = Pipeline::new().stage("fine", 2, |n: u64| n).collect(0..10);
        assert_eq!(outputs.unwrap().len(), 10);
        return;
    }
    run_limited("refused_thread_is_an_error_and_leaves_no_thread");
}

/// Runs the test of this name in a child that may have 2 GiB of memory.
fn run_limited(test: &str) {
    let run = Command::new("sh")
        .args(["-c", "ulimit -v 2097152 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && out.contains("1 passed"),
        "{out}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

#[test]
fn consecutive_runs_near_the_limit_are_not_refused() {
    if std::env::var_os(LIMITED).is_some() {
        for round in 0..300 {
            // 2 GiB hold the 5 stacks of 256 MiB of one run, but not those of two.
            let run = Pipeline::new()
                .stage("again", 4, |n: u32| n)
                .stack_size(256 << 20)
                .collect(0..8);
            assert!(run.is_ok(), "round {round}: {run:?}");
        }
        return;
    }
    run_limited("consecutive_runs_near_the_limit_are_not_refused");
}

#[test]
fn absurd_number_of_workers_takes_no_memory() {
    if std::env::var_os(LIMITED).is_some() {
        for workers in [
            4_097,
            1_000_000,
            1 << 27,
            usize::MAX / 256,
            1 << 56,
            usize::MAX,
        ] {
            let refused = Pipeline::new()
                .stage("crop", workers, |n: u8| n)
                .collect([1]);
            match refused {
                Err(PipelineError::Build(BuildError::TooManyWorkers(wanted))) => {
                    assert_eq!(wanted, workers);
                }
                other => panic!("{other:?}"),
            }
        }
        // Their sum wraps to 0.
        let half = usize::MAX / 2 + 1;
        let pipeline = Pipeline::new()
            .stage("one", half, |n: u8| n)
            .stage("two", half, |n| n);
        assert_eq!(pipeline.handle().counts().stages[1].workers, half);
        let refused = pipeline.collect([1]);
        assert!(
            matches!(
                refused,
                Err(PipelineError::Build(BuildError::TooManyWorkers(usize::MAX)))
            ),
            "{refused:?}"
        );
        return;
    }
    run_limited("absurd_number_of_workers_takes_no_memory");
}

#[test]
fn impossible_stack_size_is_an_error() {
    within_deadline(|| {
        let refused = Pipeline::new()
            .stage("huge", 2, |n: u64| n)
            .stack_size(1 << 60)
            .collect(never());
        assert!(
            matches!(
                refused,
                Err(PipelineError::Refused {
                    started: 0,
                    wanted: 3,
                    ..
                })
            ),
            "{refused:?}"
        );
    });
}
