//! Full load with random panics, failures, stops and streams dropped early: every item has its
//! result, and no thread and no memory is left.
//!
//! `SOAK_SECONDS=60 cargo test --release -p effective-data-parallel --test soak -- --nocapture`;
//! one second by default.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod pool;
    pub(crate) mod proc;
    pub(crate) mod random;
}

use std::env;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_data_parallel::{DataParallel, Progress, Stop, TaskError, TaskPanic, TryMapError};
use support::pool::{count, pool};
use support::proc::{live_threads, resident_kib, wait_for_threads};
use support::random::Random;

#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    done: AtomicU64,
    panicked: AtomicU64,
    stopped: AtomicU64,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Tally {
    fn panic(&self, panic: &TaskPanic) {
        let expected = ["at random", "the panic payload is not a string"];
        assert!(expected.contains(&panic.message()), "{panic}");
        add(&self.panicked);
    }

    fn count(&self, input: u64, result: Result<u64, TaskError>) {
        match result {
            Ok(value) => {
                assert_eq!(value, input);
                add(&self.done);
            }
            Err(TaskError::Panicked(panic)) => self.panic(&panic),
            Err(TaskError::TimedOut | TaskError::Stopped) => add(&self.stopped),
            Err(other) => panic!("{other}"),
        }
    }
}

fn item(n: u64) -> u64 {
    match Random(n | 1).below(500) {
        0 => panic!("at random"),
        1 => panic::panic_any(n),
        2 => thread::sleep(Duration::from_micros(n % 100)),
        _ => {}
    }
    n
}

/// One call of a random kind. Each input must have one result, at its index.
fn call(pool: &DataParallel, random: &mut Random, tally: &Tally) {
    let progress = Progress::new();
    let items = random.below(2_000);
    let inputs: Vec<u64> = (0..items).map(|_| random.below(1 << 40)).collect();
    let mut parallel = pool.clone().progress(&progress);
    if random.below(2) == 0 {
        parallel = parallel.grain(count(1 + random.size(100)));
    }
    add(&tally.calls);
    match random.below(4) {
        0 => {
            let results = parallel.map(&inputs, |&n| item(n));
            assert_eq!(
                (results.len(), progress.done()),
                (inputs.len(), inputs.len())
            );
            for (result, n) in results.into_iter().zip(&inputs) {
                tally.count(*n, result.map_err(TaskError::from));
            }
        }
        1 => {
            let stop = Stop::within(Duration::from_micros(random.below(2_000)));
            let at = random.size(4 * items + 1);
            let results = parallel.map_until(&stop, &inputs, |n| {
                if inputs.get(at) == Some(n) {
                    stop.stop();
                }
                item(*n)
            });
            assert_eq!(results.len(), inputs.len());
            for (result, n) in results.into_iter().zip(&inputs) {
                tally.count(*n, result);
            }
        }
        2 => match parallel.try_map(
            &inputs,
            |&n| if n % 3_000 == 0 { Err(n) } else { Ok(item(n)) },
        ) {
            Ok(values) => assert_eq!(values, inputs),
            Err(TryMapError::Failed { index, error }) => assert_eq!(error, inputs[index]),
            Err(TryMapError::Panicked { panic, .. }) => tally.panic(&panic),
            Err(other) => panic!("{other}"),
        },
        _ => {
            let parallel = parallel.look_ahead(count(1 + random.size(64)));
            let mut stream = parallel.stream(inputs.clone(), item);
            // Sometimes dropped early.
            let wanted = random.size(2 * items + 1);
            for n in inputs.iter().take(wanted) {
                let result = loop {
                    match stream.next_timeout(Duration::from_micros(100)) {
                        Ok(result) => break result.expect("one result for each input"),
                        Err(_) => continue,
                    }
                };
                tally.count(*n, result.map_err(TaskError::from));
            }
            assert!(wanted < inputs.len() || stream.next().is_none());
        }
    }
}

fn load(time: Duration, tally: &Tally, seed: u64) {
    let end = Instant::now() + time;
    let shared = pool(3);
    thread::scope(|scope| {
        for caller in 0..4 {
            let shared = shared.clone();
            scope.spawn(move || {
                let mut random = Random((seed + caller) * 0x9e37_79b9 + 1);
                while Instant::now() < end {
                    if random.below(20) == 0 {
                        call(&pool(1 + random.size(3)), &mut random, tally);
                    } else if random.below(10) == 0 {
                        // On a worker of the same pool.
                        let seeds = [random.below(1 << 40) | 1, random.below(1 << 40) | 1];
                        for result in shared.map(&seeds, |&n| call(&shared, &mut Random(n), tally))
                        {
                            result.expect("no check fails");
                        }
                    } else {
                        call(&shared, &mut random, tally);
                    }
                }
            });
        }
    });
}

#[test]
fn load_loses_no_item_and_leaves_no_thread() {
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
        "{} calls; items: {} done, {} panicked, {} stopped; resident {warm} KiB, then {end} KiB",
        tally.calls.into_inner(),
        tally.done.into_inner(),
        tally.panicked.into_inner(),
        tally.stopped.into_inner()
    );
    assert!(end < warm + 32 * 1_024, "{warm} KiB became {end} KiB");
}
