//! Runs that end before their inputs do, and leave nothing behind.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_pipeline::{Pipeline, PipelineError, Running};
use support::{Alive, Door, Item, eventually, quiet, threads_named, within_deadline};

#[test]
fn dropping_outputs_half_way_ends_the_run() {
    static ALIVE: Alive = Alive::new();
    within_deadline(|| {
        for taken in [0, 1, 10, 100] {
            for (workers, ordered) in [(1, true), (3, true), (3, false)] {
                let pipeline = Pipeline::new()
                    .stage("dropped-one", workers, |item: Item<'static>| item)
                    .stage("dropped-two", workers, |item| item);
                let pipeline = if ordered {
                    pipeline
                } else {
                    pipeline.unordered()
                };
                let mut outputs = pipeline.spawn((0..).map(|n| ALIVE.item(n))).unwrap();
                assert_eq!(
                    outputs.by_ref().take(taken).filter(Result::is_ok).count(),
                    taken
                );
                drop(outputs);
                assert_eq!(ALIVE.now(), 0);
                // A joined thread may still be listed for a moment.
                eventually(|| threads_named("dropped-") == 0);
            }
        }
    });
}

fn two_stages<'a>() -> Pipeline<'a, Item<'a>, Item<'a>> {
    Pipeline::new()
        .stage("left-one", 2, |item: Item<'a>| item)
        .stage("left-two", 2, |item| item)
}

#[test]
fn run_ends_when_its_closure_returns_or_panics() {
    quiet();
    within_deadline(|| {
        let alive = Alive::new();
        let three = two_stages().run((0..).map(|n| alive.item(n)), |outputs| {
            let three: Vec<_> = outputs.take(3).map(|item| item.value).collect();
            three
        });
        assert_eq!(three.unwrap(), [0, 1, 2]);
        let untouched = two_stages().run((0..).map(|n| alive.item(n)), |_outputs| ());
        assert!(untouched.is_ok());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            two_stages().for_each((0..).map(|n| alive.item(n)), |item| {
                assert!(item.value != 50, "expected of the consumer");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(alive.now(), 0);
        eventually(|| threads_named("left-") == 0);
    });
}

#[test]
fn stop_ends_a_waiting_run() {
    within_deadline(|| {
        // All threads wait for an input that does not come.
        let (send, inputs) = mpsc::channel::<u64>();
        let pipeline = Pipeline::new().stage("stopped", 2, |n| n);
        let handle = pipeline.handle();
        let mut outputs = pipeline.spawn(inputs).unwrap();
        thread::scope(|scope| {
            let next = scope.spawn(|| outputs.next());
            thread::sleep(Duration::from_millis(20));
            handle.stop();
            assert!(matches!(
                next.join().unwrap(),
                Some(Err(PipelineError::Stopped))
            ));
        });
        assert!(outputs.next().is_none());
        drop(send);
        drop(outputs);

        // All threads wait for room.
        let pipeline = Pipeline::new().stage("stopped", 2, |n: u64| n);
        let handle = pipeline.handle();
        let ended = pipeline.run(0.., |mut outputs| {
            eventually(|| handle.counts().stages[0].waiting >= 8);
            handle.stop();
            outputs.next()
        });
        assert!(matches!(ended, Err(PipelineError::Stopped)));

        // Before it starts.
        let pipeline = Pipeline::new().stage("stopped", 1, |n: u64| n);
        pipeline.handle().stop();
        assert!(matches!(pipeline.collect(0..), Err(PipelineError::Stopped)));
        eventually(|| threads_named("stopped") == 0);
    });
}

#[test]
fn stop_after_the_end_changes_nothing() {
    within_deadline(|| {
        let pipeline = Pipeline::new().stage("ended", 2, |n: u64| n);
        let handle = pipeline.handle();
        let mut outputs = pipeline.spawn(0..3).unwrap();
        assert_eq!(outputs.by_ref().filter(Result::is_ok).count(), 3);
        handle.stop();
        assert!(outputs.next().is_none());
    });
}

#[test]
fn no_item_is_begun_after_a_stop() {
    within_deadline(|| {
        let stopped = AtomicBool::new(false);
        let late = AtomicBool::new(false);
        let inside = Door::default();
        let go_on = Door::default();
        let pipeline = Pipeline::new().stage("work", 1, |n: u64| {
            if stopped.load(Ordering::SeqCst) {
                late.store(true, Ordering::SeqCst);
            }
            if n == 3 {
                inside.open();
                go_on.pass();
            }
            n
        });
        let handle = pipeline.handle();
        let ended = thread::scope(|scope| {
            scope.spawn(|| {
                inside.pass();
                handle.stop();
                stopped.store(true, Ordering::SeqCst);
                go_on.open();
            });
            pipeline.for_each(0.., |_| {})
        });
        assert!(matches!(ended, Err(PipelineError::Stopped)));
        assert!(!late.into_inner());
    });
}

#[test]
fn ready_outputs_can_be_taken_after_the_deadline() {
    within_deadline(|| {
        let deadline = Duration::from_millis(300);
        let pipeline = Pipeline::new()
            .stage("quick", 1, |n: u32| n)
            .deadline(deadline);
        let mut taken = Vec::new();
        let run = pipeline.for_each(0..10, |n| {
            if n == 0 {
                // After this all outputs are in the buffer, and the deadline has passed.
                thread::sleep(2 * deadline);
            }
            taken.push(n);
        });
        assert!(run.is_ok(), "{run:?}");
        assert!(taken.iter().copied().eq(0..10), "{taken:?}");
    });
}

#[test]
fn deadline_ends_a_waiting_run() {
    const SOON: Duration = Duration::from_millis(50);
    within_deadline(|| {
        // Waiting for an input.
        let door = Arc::new(Door::default());
        let shut = Arc::clone(&door);
        let inputs = std::iter::from_fn(move || {
            shut.pass();
            None::<u64>
        });
        let begin = Instant::now();
        let mut outputs = Pipeline::new()
            .stage("late", 2, |n| n)
            .deadline(SOON)
            .spawn(inputs)
            .unwrap();
        assert!(matches!(outputs.next(), Some(Err(PipelineError::TimedOut))));
        assert!(begin.elapsed() >= SOON);
        assert!(outputs.next().is_none());
        door.open();

        // Waiting for the consumer, and while stages work.
        for (workers, ordered) in [(1, true), (2, true), (2, false)] {
            let pipeline = Pipeline::new()
                .stage("late", workers, |n: u64| {
                    thread::sleep(Duration::from_millis(1));
                    n
                })
                .deadline(SOON);
            let pipeline = if ordered {
                pipeline
            } else {
                pipeline.unordered()
            };
            let handle = pipeline.handle();
            let begin = Instant::now();
            let ended = pipeline.for_each(0.., |_| {});
            assert!(matches!(ended, Err(PipelineError::TimedOut)));
            assert!(begin.elapsed() >= SOON);
            assert!(handle.counts().stages[0].done > 0);
        }

        // A deadline far away, and one beyond the range of the clock.
        for far in [support::LONG, Duration::MAX] {
            let pipeline = Pipeline::new().stage("early", 1, |n: u64| n).deadline(far);
            assert_eq!(pipeline.collect(0..100).unwrap().len(), 100);
        }
    });
}

#[test]
fn deadline_ends_the_threads_of_an_idle_consumer() {
    static ALIVE: Alive = Alive::new();
    within_deadline(|| {
        for ordered in [true, false] {
            let pipeline = Pipeline::new()
                .stage("idle-one", 2, |item: Item<'static>| item)
                .stage("idle-two", 2, |item| item)
                .buffer(4)
                .deadline(Duration::from_millis(50));
            let pipeline = if ordered {
                pipeline
            } else {
                pipeline.unordered()
            };
            let begin = Instant::now();
            let mut outputs = pipeline.spawn((0..).map(|n| ALIVE.item(n))).unwrap();
            // A thread sets its name only when it runs.
            eventually(|| begin.elapsed() > Duration::from_millis(60));
            eventually(|| threads_named("idle-") == 0);
            // The only items left are outputs that were ready.
            eventually(|| ALIVE.now() <= 4);
            assert!(matches!(outputs.next(), Some(Err(PipelineError::TimedOut))));
            drop(outputs);
            assert_eq!(ALIVE.now(), 0);
        }
    });
}

/// A stage that owns the outputs of its own pipeline drops them on one of its threads.
#[test]
fn stage_can_drop_the_outputs_of_its_own_run() {
    within_deadline(|| {
        let slot: Arc<std::sync::Mutex<Option<Running<()>>>> = Arc::default();
        let (taken, inside) = (Arc::clone(&slot), Arc::new(Door::default()));
        let ready = Arc::clone(&inside);
        let outputs = Pipeline::new()
            .stage("own", 1, move |_: u64| {
                ready.pass();
                let own = taken.lock().unwrap().take();
                drop(own);
            })
            .spawn(0..10)
            .unwrap();
        *slot.lock().unwrap() = Some(outputs);
        inside.open();
        eventually(|| slot.lock().unwrap().is_none());
        eventually(|| threads_named("own-") == 0);
    });
}
