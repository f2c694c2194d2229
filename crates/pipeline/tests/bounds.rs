//! The bound on the items in flight, with slow inputs, stages and consumers.

mod support;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_pipeline::Pipeline;
use support::{Alive, Door, Item, eventually, within_deadline};

/// The documented bound: `s` stages, `w` workers in all, a buffer of `b`.
fn bound(s: usize, w: usize, b: usize) -> usize {
    (s + 1) * b + w + 1
}

#[test]
fn input_stops_when_consumer_takes_nothing() {
    within_deadline(|| {
        for (workers, buffer) in [(1, 1), (1, 16), (2, 1), (3, 7), (2, 128)] {
            for ordered in [true, false] {
                let alive = Alive::new();
                let pulled = AtomicUsize::new(0);
                let inputs = (0..).map(|n| {
                    pulled.fetch_add(1, Ordering::SeqCst);
                    alive.item(n)
                });
                let pipeline = Pipeline::new()
                    .stage("one", workers, |item: Item<'_>| item)
                    .stage("two", workers, |item| item)
                    .buffer(buffer);
                let pipeline = if ordered {
                    pipeline
                } else {
                    pipeline.unordered()
                };
                let most = bound(2, 2 * workers, buffer);
                pipeline
                    .run(inputs, |_outputs| {
                        // Until nothing moves, with at least one full buffer.
                        let before = Cell::new(usize::MAX);
                        eventually(|| {
                            let now = pulled.load(Ordering::SeqCst);
                            thread::sleep(Duration::from_millis(20));
                            before.replace(now) == now && now > buffer
                        });
                    })
                    .unwrap();
                assert!(alive.most() <= most, "{} of {most}", alive.most());
                assert_eq!(alive.now(), 0);
            }
        }
    });
}

#[test]
fn bound_holds_behind_an_item_that_never_ends() {
    within_deadline(|| {
        for (workers, buffer) in [(2, 1), (2, 16), (4, 3)] {
            let alive = Alive::new();
            let door = Door::default();
            let inputs = (0..500).map(|n| alive.item(n));
            let pipeline = Pipeline::new()
                .stage("stuck", workers, |item: Item<'_>| {
                    if item.value == 0 {
                        door.pass();
                    }
                    item
                })
                .stage("after", workers, |item| item)
                .buffer(buffer);
            let handle = pipeline.handle();
            let most = bound(2, 2 * workers, buffer);
            let mut next = 0;
            pipeline
                .run(inputs, |outputs| {
                    thread::scope(|scope| {
                        scope.spawn(|| {
                            // The consumer waits for the first item while the rest of the window
                            // passes it.
                            eventually(|| handle.counts().stages[1].done >= workers);
                            let before = Cell::new(0);
                            eventually(|| {
                                let now = handle.counts().stages[1].done;
                                thread::sleep(Duration::from_millis(20));
                                before.replace(now) == now
                            });
                            assert!(alive.most() <= most, "{} of {most}", alive.most());
                            assert!(alive.now() > most / 2, "{} of {most}", alive.now());
                            door.open();
                        });
                        for item in outputs {
                            assert_eq!(item.value, next);
                            next += 1;
                        }
                    });
                })
                .unwrap();
            assert_eq!(next, 500);
            // The consumer holds one more.
            assert!(alive.most() <= most + 1, "{} of {most}", alive.most());
            assert_eq!(alive.now(), 0);
        }
    });
}

#[test]
fn bound_holds_at_full_speed() {
    within_deadline(|| {
        for slow in 0..4 {
            for buffer in [1, 2, 5, 64] {
                let alive = Alive::new();
                let rest = |at, item: &Item<'_>| {
                    if slow == at && item.value.is_multiple_of(16) {
                        thread::sleep(Duration::from_micros(50));
                    }
                };
                let inputs = (0..2_000).map(|n| {
                    let item = alive.item(n);
                    rest(0, &item);
                    item
                });
                let mut next = 0;
                Pipeline::new()
                    .stage("one", 2, |item: Item<'_>| {
                        rest(1, &item);
                        item
                    })
                    .stage("two", 1, |item| {
                        rest(2, &item);
                        item
                    })
                    .buffer(buffer)
                    .for_each(inputs, |item| {
                        assert_eq!(item.value, next);
                        next += 1;
                        rest(3, &item);
                    })
                    .unwrap();
                assert_eq!(next, 2_000);
                // The consumer holds one more.
                let most = bound(2, 3, buffer) + 1;
                assert!(alive.most() <= most, "{} of {most}", alive.most());
                assert_eq!(alive.now(), 0);
            }
        }
    });
}
