//! The round trip of one job, in a recently busy pool and after a pause.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use workload_rivals::{Contest, Settings};

use crate::echo::{Echo, Waiting};
use crate::runtimes;

const HOT: u64 = 2_000;
const COLD: u64 = 100;
/// Long enough for every worker to fall asleep and for its core to halt.
const PAUSE: Duration = Duration::from_millis(2);

fn job(n: u64) -> u64 {
    black_box(n) ^ 1
}

fn hot(mut trip: impl FnMut(u64) -> u64) -> Duration {
    // Wakes the threads first.
    for n in 0..HOT / 10 {
        assert_eq!(trip(n), n ^ 1);
    }
    let start = Instant::now();
    for n in 0..HOT {
        assert_eq!(trip(n), n ^ 1);
    }
    start.elapsed()
}

/// Times the trips without the pauses.
fn cold(mut trip: impl FnMut(u64) -> u64) -> Duration {
    let mut time = Duration::ZERO;
    for n in 0..COLD {
        thread::sleep(PAUSE);
        let start = Instant::now();
        assert_eq!(trip(n), n ^ 1);
        time += start.elapsed();
    }
    time
}

pub(crate) fn contests(settings: &Settings) {
    let ours = runtimes::ours();
    let rayon = runtimes::rayon();
    let rusty = runtimes::rusty();
    let tokio = runtimes::tokio();
    let executor = runtimes::async_executor();

    type Time = fn(&mut dyn FnMut(u64) -> u64) -> Duration;
    let kinds: [(&str, u64, Time); 2] = [
        ("one job there and back, hot", HOT, |trip| hot(trip)),
        ("one job there and back, cold", COLD, |trip| cold(trip)),
    ];
    for (title, trips, time) in kinds {
        let contest = Contest::new(title, "trip", trips)
            .ours("thread-pool submit, wait", || {
                time(&mut |n| {
                    ours.submit(move || job(n))
                        .expect("open")
                        .wait()
                        .expect("no panic")
                })
            })
            .rival("rayon spawn + a channel each", || {
                time(&mut |n| {
                    let (sender, result) = crossbeam_channel::bounded(1);
                    rayon.spawn(move || sender.send(job(n)).expect("received"));
                    result.recv().expect("no panic")
                })
            })
            .rival("rusty_pool evaluate", || {
                time(&mut |n| rusty.evaluate(move || job(n)).await_complete())
            })
            .rival("tokio spawn_blocking", || {
                time(&mut |n| block_on(tokio.spawn_blocking(move || job(n))).expect("no panic"))
            })
            .rival("async-executor", || {
                time(&mut |n| block_on(executor.spawn(async move { job(n) })))
            })
            .limit("two threads that park", || {
                let echo = Echo::start(Waiting::Parked, job);
                time(&mut |n| echo.trip(n))
            });
        if trips == HOT {
            contest
                .limit("two threads that spin", || {
                    let echo = Echo::start(Waiting::Spinning, job);
                    time(&mut |n| echo.trip(n))
                })
                .reach(1.1, "rayon spawn + a channel each")
                .run(settings);
        } else {
            contest.reach(1.1, "rusty_pool evaluate").run(settings);
        }
    }
}
