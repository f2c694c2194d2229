//! Full load with random panics, failures, stops and deadlines: every task has its result, and no
//! thread and no memory is left.
//!
//! `SOAK_SECONDS=60 cargo test --release -p effective-threads --test soak -- --nocapture`; one
//! second by default.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod proc;
    pub(crate) mod random;
}

use std::env;
use std::num::NonZeroUsize;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{Stop, TaskError, Threads, TryMapError};
use support::proc::{live_threads, resident_kib, wait_for_threads};
use support::random::Random;

#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    done: AtomicU64,
    panicked: AtomicU64,
    not_started: AtomicU64,
}

impl Tally {
    fn count<R>(&self, result: &Result<R, TaskError>) {
        let counter = match result {
            Ok(_) => &self.done,
            Err(TaskError::Panicked(panic)) => {
                let expected = ["at random", "the panic payload is not a string"];
                assert!(expected.contains(&panic.message()), "{panic}");
                &self.panicked
            }
            Err(TaskError::TimedOut | TaskError::Stopped) => &self.not_started,
            Err(other) => panic!("{other}"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task that may panic, sleep or make a nested call.
fn task(seed: u64, stop: &Stop) -> u64 {
    match Random(seed | 1).below(16) {
        0 => panic!("at random"),
        1 => panic::panic_any(seed),
        2 => _ = stop.wait_timeout(Duration::from_micros(seed % 300)),
        3 => {
            let inner = Threads::new().stop(stop).map(0..2_u64, |n| n);
            assert!(inner.iter().zip(0..).all(|(result, n)| match result {
                Ok(value) => *value == n,
                Err(error) => matches!(error, TaskError::Stopped | TaskError::TimedOut),
            }));
        }
        _ => {}
    }
    seed
}

/// One call of a random kind. Each input must have one result, at its index.
fn call(random: &mut Random, tally: &Tally) {
    let tasks = random.below(40);
    let inputs: Vec<u64> = (0..tasks).map(|_| random.below(1 << 40)).collect();
    let mut threads = Threads::new();
    if random.below(2) == 0 {
        threads = threads.limit(NonZeroUsize::MIN.saturating_add(random.size(8)));
    }
    if random.below(4) == 0 {
        threads = threads.deadline(Duration::from_micros(random.below(500)));
    }
    let stop = Stop::new();
    if random.below(4) == 0 {
        threads = threads.stop(&stop);
    }
    let stop_at = random.size(4 * tasks + 1);
    let work = |seed: u64, own: &Stop| {
        if inputs.get(stop_at) == Some(&seed) {
            stop.stop();
        }
        task(seed, own)
    };
    let check = |index: usize, result: &Result<u64, TaskError>| {
        assert!(!matches!(result, Ok(value) if *value != inputs[index]));
        tally.count(result);
    };
    tally.calls.fetch_add(1, Ordering::Relaxed);
    match random.below(3) {
        0 => {
            let results = threads.map_with(inputs.iter().copied(), work);
            assert_eq!(results.len(), inputs.len());
            for (index, result) in results.iter().enumerate() {
                check(index, result);
            }
        }
        1 => {
            let mut seen = vec![0; inputs.len()];
            let f = |seed| work(seed, &stop);
            threads.for_each_completed(inputs.iter().copied(), f, |index, result| {
                seen[index] += 1;
                check(index, &result);
            });
            assert!(seen.iter().all(|&times| times == 1));
        }
        _ => match threads.try_map_with(inputs.iter().copied(), |seed, own| {
            if seed % 50 == 0 {
                Err(seed)
            } else {
                Ok(work(seed, own))
            }
        }) {
            Ok(values) => assert_eq!(values, inputs),
            Err(TryMapError::Failed { index, error }) => assert_eq!(error, inputs[index]),
            Err(error) => assert!(error.index() < inputs.len()),
        },
    }
}

fn load(time: Duration, tally: &Tally, seed: u64) {
    let end = Instant::now() + time;
    thread::scope(|scope| {
        for caller in 0..4 {
            scope.spawn(move || {
                let mut random = Random((seed + caller) * 0x9e37_79b9 + 1);
                while Instant::now() < end {
                    call(&mut random, tally);
                }
            });
        }
    });
}

#[test]
fn load_loses_no_task_and_leaves_no_thread() {
    panic::set_hook(Box::new(|info| {
        // The expected panics would fill the terminal.
        let payload = info.payload();
        if !payload.is::<u64>() && payload.downcast_ref() != Some(&"at random") {
            eprintln!("{info}");
        }
    }));
    let seconds = env::var("SOAK_SECONDS").ok();
    let seconds: f64 = seconds.map_or(1.0, |text| text.parse().expect("SOAK_SECONDS is a number"));
    let (before, tally) = (live_threads(), Tally::default());
    load(Duration::from_secs_f64(seconds / 4.0), &tally, 1);
    let warm = resident_kib();
    load(Duration::from_secs_f64(seconds), &tally, 100);

    wait_for_threads(before);
    let end = resident_kib();
    println!(
        "{} calls; tasks: {} done, {} panicked, {} not started; {warm} KiB, then {end} KiB",
        tally.calls.into_inner(),
        tally.done.into_inner(),
        tally.panicked.into_inner(),
        tally.not_started.into_inner()
    );
    assert!(end < warm + 16 * 1_024, "{warm} KiB became {end} KiB");
}
