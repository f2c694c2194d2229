//! Outputs and their order.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use effective_pipeline::Pipeline;
use support::{Door, within_deadline};

#[test]
fn items_come_out_in_order() {
    within_deadline(|| {
        for workers in [1, 2, 5] {
            for buffer in [1, 2, 3, 16, 200] {
                for items in [0, 1, 2, 1_000] {
                    let outputs = Pipeline::new()
                        .stage("add", workers, |n: u64| n + 1)
                        .stage("write", workers, |n| n.to_string())
                        .buffer(buffer)
                        .collect(0..items)
                        .unwrap();
                    let right: Vec<_> = (0..items).map(|n| (n + 1).to_string()).collect();
                    assert_eq!(outputs, right, "{workers} workers, buffer of {buffer}");
                }
            }
        }
    });
}

#[test]
fn unordered_outputs_are_complete() {
    within_deadline(|| {
        for workers in [1, 4] {
            let mut outputs = Pipeline::new()
                .stage("add", workers, |n: u64| n + 1)
                .stage("double", workers, |n| 2 * n)
                .unordered()
                .collect(0..1_000)
                .unwrap();
            outputs.sort_unstable();
            assert_eq!(outputs, (1..=1_000).map(|n| 2 * n).collect::<Vec<_>>());
        }
    });
}

#[test]
fn slow_item_delays_later_ones_only_if_ordered() {
    within_deadline(|| {
        for ordered in [true, false] {
            let door = Door::default();
            let slow_first = |n: u64| {
                if n == 0 {
                    door.pass();
                }
                n
            };
            let pipeline = Pipeline::new().stage("slow first", 2, slow_first);
            let pipeline = if ordered {
                pipeline
            } else {
                pipeline.unordered()
            };
            let handle = pipeline.handle();
            let outputs: Vec<u64> = pipeline
                .run(0..6, |mut outputs| {
                    if ordered {
                        // The others are done and wait.
                        support::eventually(|| handle.counts().stages[0].done == 5);
                        door.open();
                        outputs.collect()
                    } else {
                        let early: Vec<u64> = outputs.by_ref().take(5).collect();
                        door.open();
                        early.into_iter().chain(outputs).collect()
                    }
                })
                .unwrap();
            let right: &[u64] = if ordered {
                &[0, 1, 2, 3, 4, 5]
            } else {
                &[1, 2, 3, 4, 5, 0]
            };
            assert_eq!(outputs, right);
        }
    });
}

#[test]
fn uneven_items_on_many_workers_stay_in_order() {
    within_deadline(|| {
        let uneven = |n: u64| {
            thread::sleep(Duration::from_micros((n * 7919) % 500));
            n
        };
        let outputs = Pipeline::new()
            .stage("one", 4, uneven)
            .stage("two", 3, uneven)
            .buffer(5)
            .collect(0..500)
            .unwrap();
        assert!(outputs.into_iter().eq(0..500));
    });
}

#[test]
fn pipeline_has_many_stages_or_none() {
    within_deadline(|| {
        assert_eq!(Pipeline::new().collect(["a", "b"]).unwrap(), ["a", "b"]);
        let mut pipeline = Pipeline::new();
        for stage in 0..30 {
            pipeline = pipeline.stage(format!("stage {stage}"), 1 + stage % 2, |n: u64| n + 1);
        }
        assert!(pipeline.collect(0..300).unwrap().into_iter().eq(30..330));
    });
}

#[test]
fn inputs_outputs_and_stages_can_borrow() {
    within_deadline(|| {
        let text = String::from("one two three");
        let calls = AtomicUsize::new(0);
        let mut longest = "";
        Pipeline::new()
            .stage("count", 2, |word: &str| {
                calls.fetch_add(1, Ordering::Relaxed);
                (word, word.len())
            })
            .for_each(text.split(' '), |(word, length)| {
                if length > longest.len() {
                    longest = word;
                }
            })
            .unwrap();
        assert_eq!((longest, calls.into_inner()), ("three", 3));
    });
}

#[test]
fn background_outputs_are_an_iterator() {
    within_deadline(|| {
        let mut outputs = Pipeline::new()
            .stage("square", 2, |n: u64| n * n)
            .spawn(0..100)
            .unwrap();
        assert_eq!(outputs.next().unwrap().unwrap(), 0);
        // It can move to another thread half-way.
        let rest: Result<Vec<u64>, _> = thread::spawn(move || outputs.collect()).join().unwrap();
        assert!(rest.unwrap().into_iter().eq((1..100).map(|n| n * n)));
    });
}

#[test]
fn output_does_not_wait_for_the_next_input() {
    within_deadline(|| {
        for workers in [1, 2] {
            let (send, inputs) = mpsc::channel();
            let mut outputs = Pipeline::new()
                .stage("one", workers, |n: u64| n + 1)
                .stage("two", workers, |n| n + 1)
                .spawn(inputs)
                .unwrap();
            // Also in a burst, when the threads take several at once.
            for burst in [1, 3, 50, 1] {
                for n in 0..burst {
                    send.send(n).unwrap();
                }
                for n in 0..burst {
                    assert_eq!(outputs.next().unwrap().unwrap(), n + 2);
                }
            }
            drop(send);
            assert!(outputs.next().is_none());
        }
    });
}

#[test]
fn output_does_not_wait_for_a_slow_item_after_it() {
    within_deadline(|| {
        let door = Arc::new(Door::default());
        let slow = Arc::clone(&door);
        let mut outputs = Pipeline::new()
            .stage("quick but for the last", 1, move |n: u64| {
                if n == 60 {
                    slow.pass();
                }
                n
            })
            .buffer(128)
            .spawn(0..61)
            .unwrap();
        for n in 0..60 {
            assert_eq!(outputs.next().unwrap().unwrap(), n);
        }
        door.open();
        assert_eq!(outputs.next().unwrap().unwrap(), 60);
    });
}
