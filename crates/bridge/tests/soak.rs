//! Full load with panics, cancellations and timeouts for `SOAK_SECONDS` (default: 1): no call may
//! be lost, and threads and memory must be released.
#![cfg(target_os = "linux")]

mod support;

use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use effective_bridge::{CallError, LocalPortal, Offload, OffloadError, Portal};
use futures::executor::block_on;
use futures::future::join_all;
use futures::stream::{self, StreamExt};

use support::proc::{live_threads, resident_kib};
use support::random::Random;
use support::{soak_time, within};

/// Counts of the calls begun and of their outcomes.
#[derive(Default)]
struct Books {
    begun: AtomicU64,
    done: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    timeouts: AtomicU64,
}

impl Books {
    fn add(&self, count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> [u64; 5] {
        let counts = [
            &self.begun,
            &self.done,
            &self.panicked,
            &self.cancelled,
            &self.timeouts,
        ];
        counts.map(|count| count.load(Ordering::Relaxed))
    }

    fn offloaded<R>(&self, result: &Result<R, OffloadError>) {
        match result {
            Ok(_) => self.add(&self.done),
            Err(OffloadError::Panicked(_)) => self.add(&self.panicked),
            Err(OffloadError::TimedOut { .. }) => self.add(&self.timeouts),
            Err(other) => panic!("{other}"),
        }
    }

    fn called<R>(&self, result: &Result<R, CallError>) {
        match result {
            Ok(_) => self.add(&self.done),
            Err(CallError::Panicked(_)) => self.add(&self.panicked),
            Err(CallError::Cancelled) => self.add(&self.cancelled),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Work of random length that sometimes panics, with a payload of random type.
fn work(seed: u64) -> u64 {
    let mut dice = Random(seed);
    match dice.below(20) {
        0 => thread::sleep(Duration::from_micros(dice.below(200))),
        1 => thread::yield_now(),
        2 => panic_any(seed),
        3 => panic!("meant"),
        _ => (0..dice.below(500)).for_each(|_| std::hint::spin_loop()),
    }
    seed
}

/// `work` as a coroutine.
struct Work(u64, u64);

impl Future for Work {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        if self.1 > 0 {
            self.1 -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(work(self.0))
    }
}

struct World {
    offload: Offload,
    portal: Portal,
    own: LocalPortal,
}

/// One round of one thread: a random use of the crate.
fn round(world: &World, books: &Books, dice: &mut Random) {
    let World {
        offload,
        portal,
        own,
    } = world;
    let seed = dice.below(1 << 30);
    match dice.below(8) {
        0 => {
            let count = 1 + dice.below(100);
            let calls = (0..count).map(|n| {
                books.add(&books.begun);
                offload.run(move || work(seed + n))
            });
            let results = block_on(join_all(calls));
            results.iter().for_each(|result| books.offloaded(result));
        }
        1 => {
            books.add(&books.begun);
            match offload.try_run(move || work(seed)) {
                Ok(job) => books.offloaded(&block_on(job)),
                Err(full) => books.offloaded(&block_on(offload.run(full.into_job()))),
            }
        }
        2 => {
            // Jobs that are dropped at a random poll.
            for n in 0..20 {
                books.add(&books.begun);
                let mut call = Box::pin(offload.run(move || work(seed + n)));
                let polls = dice.below(3) as usize;
                let patience = Duration::from_micros(dice.below(30));
                match support::poll_times(call.as_mut(), polls, patience) {
                    Some(result) => books.offloaded(&result),
                    None => books.add(&books.cancelled),
                }
            }
        }
        3 => {
            books.add(&books.begun);
            let limit = Duration::from_micros(dice.below(300));
            let slow = offload.run_timeout(
                move || {
                    thread::sleep(Duration::from_micros(100));
                    work(seed)
                },
                limit,
            );
            books.offloaded(&block_on(slow));
        }
        4 => {
            let calls: Vec<_> = (0..1 + dice.below(30))
                .map(|n| {
                    books.add(&books.begun);
                    let (seed, yields) = (seed + n, n % 4);
                    if n % 2 == 0 {
                        portal.call(move || Work(seed, yields))
                    } else {
                        own.call(move || Work(seed, yields))
                    }
                })
                .collect();
            for mut call in calls {
                if dice.below(8) == 0 {
                    call.cancel();
                }
                match call.wait_timeout(Duration::from_micros(dice.below(100))) {
                    Err(CallError::TimedOut { .. }) if dice.below(4) == 0 => {
                        books.add(&books.timeouts);
                    }
                    Err(CallError::TimedOut { .. }) => books.called(&call.wait()),
                    result => books.called(&result),
                }
            }
        }
        5 => {
            // A job that calls a coroutine that awaits a job.
            books.add(&books.begun);
            let (inner, back) = (offload.clone(), portal.clone());
            let nested = offload.run(move || {
                let call = back.call(move || async move { inner.run(move || work(seed)).await });
                call.wait()
            });
            match block_on(nested) {
                Ok(Ok(result)) => books.offloaded(&result),
                // Nested too deep.
                Ok(Err(CallError::WouldDeadlock(_))) => books.add(&books.cancelled),
                other => panic!("{other:?}"),
            }
        }
        6 => {
            books.add(&books.begun);
            let capacity = NonZeroUsize::new(1 + dice.below(8) as usize).expect("above 0");
            let mut items = offload.stream(capacity, 0..40);
            let take = dice.below(60);
            let got = block_on(async {
                let mut got = 0;
                while got < take
                    && let Some(item) = items.next().await
                {
                    assert_eq!(item.expect("open"), got);
                    got += 1;
                }
                got
            });
            assert_eq!(got, take.min(40));
            books.add(&books.done);
        }
        _ => {
            books.add(&books.begun);
            let capacity = NonZeroUsize::new(1 + dice.below(8) as usize).expect("above 0");
            let take = dice.below(60);
            let items = portal.iter(capacity, || stream::iter(0..40));
            let mut got = 0;
            for item in items.take(take as usize) {
                assert_eq!(item.expect("nothing fails"), got);
                got += 1;
            }
            assert_eq!(got, take.min(40));
            books.add(&books.done);
        }
    }
}

fn run(time: Duration, seed: u64) -> [u64; 5] {
    let offload = Offload::builder()
        // Threads start and exit all the time.
        .max_threads(4)
        .max_pending(32)
        .idle_timeout(Duration::from_micros(300))
        .build()
        .expect("the settings are fine");
    let (send, receive) = std::sync::mpsc::channel();
    let loops = thread::spawn(move || {
        let (own, portal_loop) = Portal::local();
        send.send(own).expect("awaited");
        block_on(portal_loop);
    });
    let world = World {
        offload,
        portal: support::portal(),
        own: receive.recv().expect("the loop starts"),
    };
    let books = Books::default();
    let start = Instant::now();
    thread::scope(|threads| {
        for number in 0..3 {
            let (world, books) = (&world, &books);
            threads.spawn(move || {
                let mut dice = Random(seed + number);
                while start.elapsed() < time {
                    round(world, books, &mut dice);
                }
            });
        }
    });
    let World { offload, own, .. } = world;
    drop(own);
    loops.join().expect("the loop does not panic");
    offload
        .shutdown_timeout(Duration::from_secs(60))
        .expect("all calls end");
    books.read()
}

#[test]
fn soak() {
    let time = soak_time();
    // The planned panics would print thousands of lines.
    std::panic::set_hook(Box::new(|info| {
        let meant = info.payload().is::<u64>() || support::text(info.payload()) == Some("meant");
        if !meant {
            eprintln!("{info}");
        }
    }));
    let before = live_threads();
    let (warm, resident, soaked) = within(time + Duration::from_secs(120), move || {
        // The first part fills caches and arenas: its memory use is the baseline of the second.
        let warm = run(time / 4, 1);
        let resident = resident_kib();
        let soaked = run(time * 3 / 4, 100);
        (warm, resident, soaked)
    });
    for [begun, done, panicked, cancelled, timeouts] in [warm, soaked] {
        println!(
            "{begun} calls begun: {done} done, {panicked} panicked, {cancelled} cancelled, {timeouts} timed out"
        );
        assert_eq!(begun, done + panicked + cancelled + timeouts);
        assert!(done > 0 && panicked > 0 && cancelled > 0 && timeouts > 0);
    }
    let grown = resident_kib().saturating_sub(resident);
    println!("resident memory: {resident} KiB after the first part, {grown} KiB more at the end");
    assert!(grown < 16 << 10, "{grown} KiB more");
    support::eventually(|| live_threads() <= before);
}
