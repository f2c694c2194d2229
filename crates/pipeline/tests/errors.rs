//! Failures, and the errors that report them.

mod support;

use std::error::Error;
use std::num::ParseIntError;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_pipeline::{BuildError, Cause, ItemError, Pipeline, PipelineError};
use support::{Bomb, Door, quiet, within_deadline};

#[track_caller]
fn item<T>(result: Result<T, PipelineError>) -> ItemError {
    match result {
        Err(PipelineError::Item(error)) => error,
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("no error"),
    }
}

#[test]
fn error_names_stage_and_item() {
    within_deadline(|| {
        for workers in [1, 3] {
            let error = item(
                Pipeline::new()
                    .stage("split", workers, |text: &str| text.trim())
                    .try_stage("parse", workers, str::parse::<i32>)
                    .stage("double", workers, |n| 2 * n)
                    .collect(["1", " 2", "three", "4", "five"]),
            );
            assert_eq!((error.stage(), error.item()), ("parse", 2));
            assert_eq!(
                error.to_string(),
                "stage \"parse\", item 2: invalid digit found in string"
            );
            assert!(
                matches!(error.cause(), Cause::Error(cause) if cause.is::<ParseIntError>()),
                "{error:?}"
            );
        }
    });
}

#[test]
fn ordered_run_fails_like_a_loop() {
    within_deadline(|| {
        for round in 0..50 {
            // Later items fail first: they are fast, and there are several workers.
            let check = |n: u64| {
                if n % 10 == 7 {
                    thread::sleep(Duration::from_micros(40_u64.saturating_sub(n) * 10));
                    return Err(format!("no {n}"));
                }
                Ok(n)
            };
            let mut outputs = Vec::new();
            let error = item(
                Pipeline::new()
                    .stage("number", 2, move |n: u64| n + round % 3)
                    .try_stage("check", 4, check)
                    .buffer(8)
                    .for_each(0..100, |n| outputs.push(n)),
            );
            let first = 7 - round % 3;
            assert_eq!(error.item() as u64, first);
            assert!(outputs.into_iter().eq(round % 3..7), "round {round}");
        }
    });
}

#[test]
fn error_is_reported_while_the_input_blocks() {
    within_deadline(|| {
        for unordered in [false, true] {
            let (send, inputs) = std::sync::mpsc::channel();
            let pipeline = Pipeline::new()
                .try_stage("check", 2, |n: u64| if n == 2 { Err("two") } else { Ok(n) });
            let pipeline = if unordered {
                pipeline.unordered()
            } else {
                pipeline
            };
            let mut outputs = pipeline.spawn(inputs).unwrap();
            for n in 0..3 {
                send.send(n).unwrap();
            }
            let error = outputs.by_ref().find_map(Result::err).unwrap();
            assert_eq!(error.to_string(), "stage \"check\", item 2: two");
            assert!(outputs.next().is_none());
            // Only now can the source end.
            drop(send);
        }
    });
}

#[test]
fn error_is_reported_while_all_workers_are_blocked() {
    within_deadline(|| {
        // The second stage blocks on item 1 with all buffers before it full, and item 0 fails.
        let door = Door::default();
        let error = item(
            Pipeline::new()
                .stage("first", 1, |n: u64| n)
                .try_stage("second", 2, |n| {
                    if n == 0 {
                        return Err("zero");
                    }
                    door.pass();
                    Ok(n)
                })
                .buffer(2)
                .run(0.., |mut outputs| {
                    assert_eq!(outputs.next(), None);
                    door.open();
                }),
        );
        assert_eq!((error.stage(), error.item()), ("second", 0));
    });
}

#[test]
fn items_after_a_failed_one_are_not_begun() {
    within_deadline(|| {
        let begun = AtomicUsize::new(0);
        let error = item(
            Pipeline::new()
                .try_stage("check", 1, |n: u64| {
                    begun.fetch_add(1, Ordering::Relaxed);
                    if n == 100 { Err("a hundred") } else { Ok(n) }
                })
                .collect(0..1_000_000),
        );
        assert_eq!(error.item(), 100);
        // A single worker gets the items in order, and begins none after the failed one.
        assert_eq!(begun.into_inner(), 101);
    });
}

#[test]
fn panic_of_a_stage_is_an_error_of_its_item() {
    quiet();
    within_deadline(|| {
        for workers in [1, 3] {
            let error = item(
                Pipeline::new()
                    .stage("fine", workers, |n: u64| n)
                    .stage("explode", workers, |n| {
                        assert!(n != 5, "expected {n}");
                        if n == 6 {
                            panic::panic_any("expected, but too late");
                        }
                        n
                    })
                    .collect(0..100),
            );
            assert_eq!(
                error.to_string(),
                "stage \"explode\", item 5: the task panicked: expected 5"
            );
            assert!(error.source().is_none());
            match error.into_cause() {
                Cause::Panic(panic) => assert!(panic.into_payload().is::<String>()),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn panicking_destructors_of_items_are_contained() {
    quiet();
    within_deadline(|| {
        for buffer in [1, 16] {
            // Left in the buffers, with workers, in the reorder buffer and with the consumer.
            let made = Pipeline::new()
                .stage("make", 2, |_: u64| Bomb)
                .stage("pass", 2, |bomb| bomb)
                .buffer(buffer)
                .run(0.., |mut outputs| {
                    for bomb in outputs.by_ref().take(3) {
                        std::mem::forget(bomb);
                    }
                })
                .is_ok();
            assert!(made);
        }
        // The inputs and the iterator as well.
        let own = Bomb;
        let bombs = std::iter::from_fn(move || {
            let _ = &own;
            Some(Bomb)
        });
        let error = item(
            Pipeline::new()
                .try_stage("defuse", 2, |bomb: Bomb| {
                    std::mem::forget(bomb);
                    Err::<(), _>("no")
                })
                .buffer(1)
                .collect(bombs),
        );
        assert_eq!(error.item(), 0);
    });
}

#[test]
fn panic_of_the_iterator_comes_after_its_items() {
    quiet();
    within_deadline(|| {
        for unordered in [false, true] {
            let inputs = (0..10).inspect(|n| assert!(*n != 7, "expected of the iterator"));
            let pipeline = Pipeline::new().stage("pass", 2, |n: u64| n);
            let pipeline = if unordered {
                pipeline.unordered()
            } else {
                pipeline
            };
            let mut outputs = Vec::new();
            let error = pipeline.for_each(inputs, |n| outputs.push(n)).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the iterator of the inputs, item 7: expected of the iterator"
            );
            assert!(matches!(
                error,
                PipelineError::InputPanicked { item: 7, .. }
            ));
            outputs.sort_unstable();
            assert!(outputs.into_iter().eq(0..7));
        }
    });
}

#[test]
fn keep_going_yields_a_result_for_each_item() {
    quiet();
    within_deadline(|| {
        for workers in [1, 3] {
            let pipeline = || {
                Pipeline::new()
                    .try_stage("odd", workers, |n: usize| {
                        if n.is_multiple_of(2) {
                            Err("even")
                        } else {
                            Ok(n)
                        }
                    })
                    .stage("not nine", workers, |n| {
                        assert!(n != 9, "expected nine");
                        n
                    })
            };
            let stage = |n: usize| match n {
                9 => Some("not nine"),
                n if n.is_multiple_of(2) => Some("odd"),
                _ => None,
            };
            let outputs = pipeline().keep_going().collect(0..200).unwrap();
            assert_eq!(outputs.len(), 200);
            for (n, output) in outputs.into_iter().enumerate() {
                match output {
                    Ok(value) => assert_eq!((value, stage(n)), (n, None)),
                    Err(error) => {
                        assert_eq!((error.item(), Some(error.stage())), (n, stage(n)));
                    }
                }
            }
            let mut failed: Vec<usize> = pipeline()
                .unordered()
                .keep_going()
                .spawn(0..200)
                .unwrap()
                .filter(Result::is_err)
                .map(|output| item(output).item())
                .collect();
            failed.sort_unstable();
            assert!(
                failed
                    .into_iter()
                    .eq((0..200).filter(|n| stage(*n).is_some()))
            );
        }
    });
}

#[test]
fn error_is_send_and_has_the_source_of_its_cause() {
    #[derive(Debug)]
    struct Wrapper(std::fmt::Error);
    impl std::fmt::Display for Wrapper {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "could not: {}", self.0)
        }
    }
    impl Error for Wrapper {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    fn is_send<E: Error + Send + Sync + 'static>(_: &E) {}

    within_deadline(|| {
        let error = Pipeline::new()
            .try_stage("do", 1, |_: u64| Err::<(), _>(Wrapper(std::fmt::Error)))
            .collect([0])
            .unwrap_err();
        is_send(&error);
        assert!(
            error
                .to_string()
                .starts_with("stage \"do\", item 0: could not: ")
        );
        assert!(error.source().unwrap().is::<std::fmt::Error>());
    });
}

#[test]
fn unworkable_settings_fail_before_the_start() {
    within_deadline(|| {
        let stage = |workers| Pipeline::new().stage("crop", workers, |n: u64| n);
        let no_inputs = || std::iter::from_fn(|| -> Option<u64> { panic!("pulled") });
        for (pipeline, text) in [
            (stage(0), "stage \"crop\" has 0 workers: give it at least 1"),
            (
                stage(5_000),
                "a pipeline has at most 4096 workers, not 5000: give each stage as many as it can \
                 use",
            ),
            (
                stage(1).buffer(0),
                "a buffer for 0 items passes nothing on: make it at least 1",
            ),
        ] {
            assert_eq!(pipeline.collect(no_inputs()).unwrap_err().to_string(), text);
        }
        assert!(matches!(
            stage(0).spawn(no_inputs()),
            Err(PipelineError::Build(BuildError::NoWorkers { stage })) if stage == "crop"
        ));
    });
}
