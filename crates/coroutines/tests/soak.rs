//! Soak test: full load with random panics, cancellations, timeouts and retries for `SOAK_SECONDS`
//! (default 1). Every future is completed or dropped once, and no thread or memory leaks.

mod support;

use std::cell::Cell;
use std::env;
use std::fs;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use async_io::Timer;
use effective_coroutines::{
    Backoff, Retry, TaskError, TaskGroup, Tasks, first_completed, gather, timeout,
};
use support::{Gauge, poll_once, turns};

/// A linear congruential generator, with the constants of Knuth's MMIX.
struct Random(Cell<u64>);

impl Random {
    fn below(&self, bound: u64) -> u64 {
        let next = self
            .0
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0.set(next);
        (next >> 33) % bound
    }
}

/// The number of outcomes of each kind.
#[derive(Default, Debug)]
struct Tally {
    rounds: usize,
    values: usize,
    panicked: usize,
    timed_out: usize,
    dropped: usize,
}

/// A thread that wakes the wakers it is sent, so that wakes come from outside too.
struct Alarm(Sender<Waker>);

impl Alarm {
    fn start() -> (Self, thread::JoinHandle<()>) {
        let (sender, wakers) = channel::<Waker>();
        (
            Self(sender),
            thread::spawn(move || wakers.into_iter().for_each(Waker::wake)),
        )
    }

    async fn wait(&self) {
        let mut sent = false;
        poll_fn(|cx| {
            if sent {
                return Poll::Ready(());
            }
            sent = true;
            self.0.send(cx.waker().clone()).expect("the alarm runs");
            Poll::Pending
        })
        .await;
    }
}

/// A task that waits in a random way and may panic.
async fn task(random: &Random, alarm: &Alarm, gauge: &Gauge) -> u64 {
    let live = gauge.enter();
    match random.below(6) {
        0 => turns(usize::try_from(random.below(5)).unwrap()).await,
        1 => alarm.wait().await,
        2 => drop(Timer::after(Duration::from_micros(random.below(500))).await),
        3 => {
            alarm.wait().await;
            turns(1).await;
        }
        _ => {}
    }
    if random.below(50) == 0 {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
    drop(live);
    1
}

fn record<T>(tally: &mut Tally, results: impl IntoIterator<Item = Result<T, TaskError>>) {
    for result in results {
        match result {
            Ok(_) => tally.values += 1,
            Err(_) => tally.panicked += 1,
        }
    }
}

async fn round(random: &Random, alarm: &Alarm, gauge: &Gauge, tally: &mut Tally) {
    let count = usize::try_from(random.below(400)).unwrap();
    let limit =
        NonZeroUsize::new(1 + count / (1 + usize::try_from(random.below(20)).unwrap())).unwrap();
    let tasks = Tasks::new().limit(limit);
    let each = |_| task(random, alarm, gauge);
    match random.below(6) {
        0 => {
            let results = tasks.map(0..count, each).await;
            assert_eq!(results.len(), count);
            record(tally, results);
        }
        1 => {
            let mut completed = tasks.as_completed(0..count, each);
            let mut left = random.below(800);
            while let Some((index, result)) = completed.next().await {
                assert!(index < count);
                record(tally, [result]);
                left = left.saturating_sub(1);
                if left == 0 {
                    tally.dropped += 1;
                    break;
                }
            }
        }
        2 => {
            let within = Duration::from_micros(random.below(500));
            match timeout(within, gather((0..count).map(each))).await {
                Ok(results) => record(tally, results),
                Err(_) => tally.timed_out += 1,
            }
        }
        3 => match first_completed((0..count).map(each)).await {
            Ok((_, result)) => record(tally, [result]),
            Err(_) => assert_eq!(count, 0),
        },
        4 => {
            let mut group = TaskGroup::new();
            for _ in 0..count {
                let fails = random.below(300) == 0;
                group.spawn(async move {
                    let value = each(0).await;
                    if fails { Err("on purpose") } else { Ok(value) }
                });
            }
            match group.join_all().await {
                Ok(values) => tally.values += values.len(),
                Err(error) => tally.dropped += error.cancelled(),
            }
        }
        _ => {
            let retry = Retry::new()
                .backoff(Backoff::exponential(Duration::from_micros(10), 2.0).jitter(1.0));
            let results = tasks
                .map(0..count.min(50), |_| {
                    retry.run(async |_| match each(0).await {
                        _ if random.below(3) == 0 => Err("busy"),
                        value => Ok(value),
                    })
                })
                .await;
            record(tally, results);
        }
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// The resident memory in KiB; 0 if there is no such file.
fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

fn run_for(time: Duration, random: &Random, tally: &mut Tally) {
    let (alarm, waking) = Alarm::start();
    let gauge = Gauge::default();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let mut running: std::pin::Pin<Box<dyn Future<Output = ()> + '_>> =
            Box::pin(round(random, &alarm, &gauge, tally));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if random.below(4) == 0 {
                // Dropped after a few polls.
                for _ in 0..random.below(10) {
                    if poll_once(running.as_mut()).is_ready() {
                        return;
                    }
                }
            } else {
                async_io::block_on(running.as_mut());
            }
        }));
        drop(running);
        assert!(outcome.is_ok(), "the panic of a task stays in it");
        assert_eq!(gauge.live(), 0, "all futures are gone");
        tally.rounds += 1;
    }
    drop(alarm);
    waking.join().expect("the alarm does not panic");
}

#[test]
fn full_load_leaks_nothing() {
    let seconds = match env::var("SOAK_SECONDS") {
        Ok(text) => text.parse().expect("SOAK_SECONDS is a number of seconds"),
        Err(_) => 1,
    };
    support::bounded_by(Duration::from_secs(60 + 2 * seconds), move || {
        let random = Random(Cell::new(5));
        let mut tally = Tally::default();
        // Warms up the thread of the timers and the allocator.
        run_for(Duration::from_millis(300), &random, &mut tally);
        let before = (threads(), memory());
        run_for(Duration::from_secs(seconds), &random, &mut tally);
        let after = (threads(), memory());
        println!("{tally:?}; threads and KiB: {before:?}, then {after:?}");
        assert!(tally.values > 0 && tally.panicked > 0 && tally.dropped > 0 && tally.timed_out > 0);
        assert_eq!(after.0, before.0);
        // AddressSanitizer delays freeing, for up to 256 MiB.
        let bound = if cfg!(address_sanitizer) { 512 } else { 32 } * 1024;
        assert!(after.1 < before.1 + bound, "{before:?} to {after:?}");
    });
}
