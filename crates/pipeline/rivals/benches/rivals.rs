//! A pipeline of three stages of tiny items against the same by hand: threads, bounded channels of
//! crossbeam-channel, and results that are passed on, but no names, no indices, no counts and no
//! catching of panics.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use effective_pipeline::Pipeline;
use workload_rivals::{Contest, Settings, timed};

const ITEMS: u64 = 200_000;
const BUFFER: usize = 128;
const STAGES: usize = 3;

type Passed = Result<u64, String>;

/// A stage that does next to nothing, so that the bench measures the way from one stage to the
/// next.
fn step(n: u64) -> Passed {
    if n == u64::MAX {
        return Err("never".to_owned());
    }
    Ok(black_box(n ^ (n >> 7)).wrapping_add(1))
}

fn expected() -> u64 {
    (0..ITEMS).fold(0, |sum, n| {
        let out = (0..STAGES).try_fold(n, |n, _| step(n));
        sum.wrapping_add(out.expect("no step fails"))
    })
}

fn ours(pipeline: Pipeline<'static, u64, u64>, workers: usize, expected: u64) -> Duration {
    let pipeline = pipeline
        .buffer(BUFFER)
        .try_stage("one", workers, step)
        .try_stage("two", workers, step)
        .try_stage("three", workers, step);
    timed(|| {
        let mut sum = 0_u64;
        pipeline
            .for_each(0..ITEMS, |n| sum = sum.wrapping_add(n))
            .expect("no step fails");
        assert_eq!(sum, expected);
    })
}

/// By hand. One worker per stage keeps the order by itself; more do not.
fn by_hand(workers: usize, expected: u64) -> Duration {
    timed(|| {
        thread::scope(|scope| {
            let (first, mut input) = bounded::<Passed>(BUFFER);
            scope.spawn(move || {
                for n in 0..ITEMS {
                    if first.send(Ok(n)).is_err() {
                        break;
                    }
                }
            });
            for _ in 0..STAGES {
                let (next, output) = bounded(BUFFER);
                for _ in 0..workers {
                    let (input, next) = (input.clone(), next.clone());
                    scope.spawn(move || {
                        for item in input {
                            if next.send(item.and_then(step)).is_err() {
                                break;
                            }
                        }
                    });
                }
                input = output;
            }
            let sum = input
                .into_iter()
                .try_fold(0_u64, |sum, item| Ok::<_, String>(sum.wrapping_add(item?)));
            assert_eq!(sum, Ok(expected));
        });
    })
}

/// By hand, with the outputs put in order: indices all the way, and a slot for each output.
fn by_hand_in_order(workers: usize, expected: u64) -> Duration {
    timed(|| {
        thread::scope(|scope| {
            let (first, mut input) = bounded::<(usize, Passed)>(BUFFER);
            scope.spawn(move || {
                for (index, n) in (0..ITEMS).enumerate() {
                    if first.send((index, Ok(n))).is_err() {
                        break;
                    }
                }
            });
            for _ in 0..STAGES {
                let (next, output) = bounded(BUFFER);
                for _ in 0..workers {
                    let (input, next) = (input.clone(), next.clone());
                    scope.spawn(move || {
                        for (index, item) in input {
                            if next.send((index, item.and_then(step))).is_err() {
                                break;
                            }
                        }
                    });
                }
                input = output;
            }
            let mut slots = vec![None; ITEMS as usize];
            for (index, item) in input {
                slots[index] = Some(item);
            }
            let sum = slots
                .into_iter()
                .flatten()
                .try_fold(0_u64, |sum, item| Ok::<_, String>(sum.wrapping_add(item?)));
            assert_eq!(sum, Ok(expected));
        });
    })
}

fn main() {
    let settings = Settings::from_args();
    let expected = expected();

    Contest::new("pipeline of three stages, one worker each", "item", ITEMS)
        .ours("ordered", || ours(Pipeline::new(), 1, expected))
        .rival("by hand", || by_hand(1, expected))
        .reach_best_rival(1.15)
        .run(&settings);

    Contest::new("pipeline of three stages, two workers each", "item", ITEMS)
        .ours("unordered", || {
            ours(Pipeline::new().unordered(), 2, expected)
        })
        .ours("ordered", || ours(Pipeline::new(), 2, expected))
        .rival("by hand, unordered", || by_hand(2, expected))
        .rival("by hand, ordered, outputs unbounded", || {
            by_hand_in_order(2, expected)
        })
        .reach_with("unordered", 1.15, "by hand, unordered")
        .reach_with("ordered", 1.15, "by hand, ordered, outputs unbounded")
        .run(&settings);
}
