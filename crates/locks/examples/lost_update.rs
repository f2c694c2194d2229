//! The lost update of Item 54: how to write it in safe Rust, and five correct ways to count.
//!
//! `cargo run -p effective-locks --example lost_update`

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use effective_locks::sharded::Counter;

const THREADS: u64 = 5;
const READINGS: u64 = 100_000;

/// Runs `count` for each reading on each thread.
fn sample(count: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..READINGS).for_each(|_| count()));
        }
    });
}

fn main() {
    println!("{THREADS} threads count {READINGS} readings each:");

    // `counter += 1` on a plain variable does not compile: see `effective_locks::races`. An atomic
    // that is loaded and then stored does, and has the bug of Python.
    let counter = AtomicU64::new(0);
    sample(|| {
        let value = counter.load(Ordering::SeqCst);
        counter.store(value + 1, Ordering::SeqCst);
    });
    let sum = counter.into_inner();
    let lost = THREADS * READINGS - sum;
    println!("  load, then store    {sum:>7}, {lost} updates are lost");

    let counter = AtomicU64::new(0);
    sample(|| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    println!("  fetch_add           {:>7}", counter.into_inner());

    let counter = Mutex::new(0_u64);
    sample(|| *counter.lock().expect("nothing panics under this lock") += 1);
    println!(
        "  Mutex               {:>7}",
        counter
            .into_inner()
            .expect("nothing panics under this lock")
    );

    let counter = Counter::new();
    sample(|| counter.add(1));
    println!("  sharded::Counter    {:>7}", counter.sum());

    let counter = Counter::new();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut mine = counter.local();
                (0..READINGS).for_each(|_| mine.add(1));
            });
        }
    });
    println!("  its local handle    {:>7}", counter.sum());

    let sums: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| (0..READINGS).map(|_| 1).sum()))
            .collect();
        let sums = threads.into_iter().map(thread::ScopedJoinHandle::join);
        sums.map(|sum| sum.expect("nothing panics here")).collect()
    });
    println!("  nothing shared      {:>7}", sums.iter().sum::<u64>());
}
