//! The system refuses a thread.
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;

use effective_pipeline::{Pipeline, PipelineError};
use support::{eventually, threads_named, within_time};

/// Set in the process whose memory is limited: the limit is the whole process's.
const LIMITED: &str = "PIPELINE_TEST_LIMITED";

fn never() -> impl Iterator<Item = u64> + Send + 'static {
    std::iter::from_fn(|| panic!("an input was pulled"))
}

#[test]
fn a_refused_thread_is_an_error_and_leaves_no_thread_behind() {
    if std::env::var_os(LIMITED).is_some() {
        for round in 0..20_u32 {
            // 2 GiB hold some stacks of 256 MiB, and not 33.
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
        // What was refused has been given back.
        let outputs = Pipeline::new().stage("fine", 2, |n: u64| n).collect(0..10);
        assert_eq!(outputs.unwrap().len(), 10);
        return;
    }
    run_limited("a_refused_thread_is_an_error_and_leaves_no_thread_behind");
}

/// Runs that test of this file in a process that may have 2 GiB of memory.
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
fn runs_one_after_another_near_the_limit_are_not_refused() {
    if std::env::var_os(LIMITED).is_some() {
        for round in 0..300 {
            // 2 GiB hold the 5 stacks of 256 MiB of one run, and not those of two.
            let run = Pipeline::new()
                .stage("again", 4, |n: u32| n)
                .stack_size(256 << 20)
                .collect(0..8);
            assert!(run.is_ok(), "round {round}: {run:?}");
        }
        return;
    }
    run_limited("runs_one_after_another_near_the_limit_are_not_refused");
}

#[test]
fn an_absurd_number_of_workers_takes_no_memory() {
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
                Err(PipelineError::TooManyWorkers(wanted)) => assert_eq!(wanted, workers),
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
            matches!(refused, Err(PipelineError::TooManyWorkers(usize::MAX))),
            "{refused:?}"
        );
        return;
    }
    run_limited("an_absurd_number_of_workers_takes_no_memory");
}

#[test]
fn a_stack_that_no_system_has_is_an_error() {
    within_time(|| {
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
