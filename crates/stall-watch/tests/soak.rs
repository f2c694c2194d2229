//! Full load with panics, drops and stalls for `SOAK_SECONDS` (default: 1): no stall may be missed
//! or invented, and threads and memory must be released.
#![cfg(target_os = "linux")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, StallWatch, excused};
use futures::executor::block_on;
use futures::future::poll_fn;
use support::proc::{live_threads, resident_kib};
use support::random::Random;
use support::{LONG, eventually, soak_time};

#[derive(Default)]
struct Books {
    polls: AtomicU64,
    panics: AtomicU64,
    dropped: AtomicU64,
    planted: AtomicU64,
    began: AtomicU64,
    ended: AtomicU64,
    watches: AtomicU64,
}

/// One task: a few polls, each of which may end early, panic, or take some excused time.
fn task(watch: &StallWatch, books: &Books, dice: &mut Random) {
    let mut left = dice.below(4);
    let fate = dice.below(12);
    let mut future = Box::pin(watch.wrap(poll_fn(|context| {
        books.polls.fetch_add(1, Ordering::Relaxed);
        match fate {
            0 => resume_unwind(Box::new(fate)),
            1 => excused(|| thread::sleep(Duration::from_micros(50))),
            2 => watch
                .named("inner")
                .run(|| watch.named("innermost").run(|| {})),
            _ => {}
        }
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })));
    if fate == 3 {
        let _ = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        books.dropped.fetch_add(1, Ordering::Relaxed);
    } else if catch_unwind(AssertUnwindSafe(|| block_on(future))).is_err() {
        books.panics.fetch_add(1, Ordering::Relaxed);
    }
}

/// One watch: threads that poll and are replaced, and one planted stall.
fn round(books: &Arc<Books>, seed: u64, time: Duration) {
    books.watches.fetch_add(1, Ordering::Relaxed);
    let counts = Arc::clone(books);
    // Only the planted stall lasts this long, even on an overloaded machine.
    let watch = StallWatch::builder(Duration::from_millis(200))
        .reports_per_second(1_000)
        .on_stall(move |stall| {
            match stall.phase {
                Phase::Began => counts.began.fetch_add(1, Ordering::Relaxed),
                Phase::Ended => counts.ended.fetch_add(1, Ordering::Relaxed),
                _ => 0,
            };
            resume_unwind(Box::new("callbacks panic too"));
        })
        .build()
        .unwrap();
    let end = Instant::now() + time;
    thread::scope(|scope| {
        for worker in 0..3 {
            let watch = &watch;
            scope.spawn(move || {
                let mut dice = Random(seed + worker);
                while Instant::now() < end {
                    thread::scope(|inner| {
                        inner.spawn(|| {
                            for _ in 0..200 {
                                task(watch, books, &mut dice);
                            }
                        });
                    });
                }
            });
        }
        let stalls = || watch.stats().stalls;
        let before = stalls();
        books.planted.fetch_add(1, Ordering::Relaxed);
        watch
            .named("planted")
            .run(|| eventually(|| stalls() > before));
    });
    eventually(|| watch.stats().ongoing == 0);
    watch.stop_timeout(LONG).unwrap();
}

#[test]
fn soak() {
    let end = Instant::now() + soak_time();
    let books = Arc::new(Books::default());
    round(&books, 1, Duration::from_millis(200));
    let (threads_before, memory_before) = (live_threads(), resident_kib());
    let mut seed = 1;
    loop {
        seed += 1;
        round(&books, seed, Duration::from_millis(300));
        if Instant::now() >= end {
            break;
        }
    }
    eventually(|| live_threads() == threads_before);
    let memory = resident_kib();
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{} watches, {} polls, {} panics, {} dropped, {} stalls planted, {} begun, {} ended, {memory_before} to {memory} KiB",
        read(&books.watches),
        read(&books.polls),
        read(&books.panics),
        read(&books.dropped),
        read(&books.planted),
        read(&books.began),
        read(&books.ended),
    );
    assert!(read(&books.began) >= read(&books.planted));
    assert!(read(&books.panics) > 0 && read(&books.dropped) > 0);
    assert!(memory < memory_before + 32 * 1024, "memory grows");
}
