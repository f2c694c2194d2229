//! The counters of a handle.

mod support;

use std::thread;

use effective_pipeline::{Counts, Pipeline, StageCounts};
use support::{Door, eventually, quiet, within_deadline};

/// Every received item is accounted for.
#[track_caller]
fn add_up(counts: &Counts) {
    for stage in &counts.stages {
        let StageCounts {
            received,
            waiting,
            in_progress,
            done,
            failed,
            discarded,
            ..
        } = *stage;
        assert_eq!(
            received,
            waiting + in_progress + done + failed + discarded,
            "{counts:?}"
        );
    }
}

#[test]
fn counts_locate_items_during_a_run() {
    within_deadline(|| {
        let door = Door::default();
        let pipeline = Pipeline::new()
            .stage("quick", 1, |n: u64| n)
            .stage("blocked", 3, |n| {
                door.pass();
                n
            })
            .buffer(5);
        let handle = pipeline.handle();
        assert_eq!(handle.counts().stages[1].received, 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                eventually(|| {
                    let stages = handle.counts().stages;
                    let (quick, blocked) = (&stages[0], &stages[1]);
                    quick.in_progress == 1 && blocked.in_progress == 3 && blocked.waiting == 5
                });
                let counts = handle.counts();
                let [quick, blocked] = &counts.stages[..] else {
                    panic!("{counts:?}")
                };
                assert_eq!((&*quick.name, quick.workers), ("quick", 1));
                assert_eq!((&*blocked.name, blocked.workers), ("blocked", 3));
                assert_eq!((blocked.received, blocked.done), (8, 0));
                // There is no room for the item that "quick" holds.
                assert_eq!((quick.done, quick.in_progress), (8, 1));
                assert!((1..=5).contains(&blocked.peak), "{counts:?}");
                assert_eq!((counts.ready, counts.delivered), (0, 0));
                door.open();
            });
            assert_eq!(pipeline.collect(0..100).unwrap().len(), 100);
        });
        let counts = handle.counts();
        add_up(&counts);
        for stage in &counts.stages {
            assert_eq!((stage.received, stage.done), (100, 100), "{counts:?}");
            assert_eq!((stage.waiting, stage.in_progress), (0, 0), "{counts:?}");
        }
        assert_eq!((counts.ready, counts.delivered), (0, 100));
    });
}

#[test]
fn failures_are_counted_in_their_stage() {
    quiet();
    within_deadline(|| {
        let pipeline = Pipeline::new()
            .try_stage("odd", 2, |n: u64| {
                if n.is_multiple_of(2) {
                    Err("even")
                } else {
                    Ok(n)
                }
            })
            .stage("not a third", 2, |n| {
                assert!(!n.is_multiple_of(3), "expected {n}");
            })
            .keep_going();
        let handle = pipeline.handle();
        assert_eq!(pipeline.collect(0..600).unwrap().len(), 600);
        let counts = handle.counts();
        add_up(&counts);
        let figures: Vec<_> = counts
            .stages
            .iter()
            .map(|stage| (stage.received, stage.failed, stage.done))
            .collect();
        assert_eq!(figures, [(600, 300, 300), (300, 100, 200)]);
        assert_eq!(counts.delivered, 600);
    });
}

#[test]
fn every_item_is_counted_after_an_early_end() {
    quiet();
    within_deadline(|| {
        for round in 0..60_u64 {
            let (workers, ordered) = (1 + round as usize % 3, round.is_multiple_of(2));
            let pipeline = Pipeline::new()
                .stage("one", workers, |n: u64| n)
                .try_stage("two", workers, move |n| {
                    if n == 40 + round { Err("no") } else { Ok(n) }
                })
                .stage("three", workers, |n| n)
                .buffer(1 + round as usize);
            let pipeline = if ordered {
                pipeline
            } else {
                pipeline.unordered()
            };
            let handle = pipeline.handle();
            // Ended by an error, or by a consumer that leaves.
            let taken = if round.is_multiple_of(5) {
                20
            } else {
                usize::MAX
            };
            let _ = pipeline.run(0.., |outputs| outputs.take(taken).count());
            let counts = handle.counts();
            add_up(&counts);
            assert!(
                counts
                    .stages
                    .iter()
                    .all(|stage| stage.waiting == 0 && stage.in_progress == 0),
                "{counts:?}"
            );
            assert_eq!(counts.ready, 0, "{counts:?}");
        }
    });
}
