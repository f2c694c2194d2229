//! A hundred threads and a counter: the lost update, in safe Rust, and five ways to count right.
//!
//! Item 54: `cargo run --release -p effective-locks --example item_54`

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use effective_locks::sharded::Counter;

const THREADS: u64 = 100;
const READINGS: u64 = 1_000;
const ALL: u64 = THREADS * READINGS;

fn main() {
    run();
}

pub(crate) fn run() {
    println!("{THREADS} threads count {READINGS} readings each:");
    let sum = load_then_store();
    assert!(sum < ALL);
    println!(
        "  load, then store    {sum:>7}, {} updates are lost",
        ALL - sum
    );
    for (way, sum) in [
        ("Mutex", mutex()),
        ("fetch_add", fetch_add()),
        ("sharded::Counter", sharded()),
        ("its local handle", local_handles()),
        ("nothing shared", nothing_shared()),
    ] {
        assert_eq!(sum, ALL, "{way}");
        println!("  {way:<19} {sum:>7}");
    }
}

/// Runs `count` for each reading on each thread.
fn sample(count: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..READINGS).for_each(|_| count()));
        }
    });
}

/// `counter += 1` on a plain variable does not compile: see `effective_locks::races`. An atomic
/// that is loaded and then stored does, and has the bug of Python.
fn load_then_store() -> u64 {
    let counter = AtomicU64::new(0);
    let all_have_loaded = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let value = counter.load(Ordering::SeqCst);
                // The worst order of the steps, which the scheduler may choose at any time.
                all_have_loaded.wait();
                counter.store(value + 1, Ordering::SeqCst);
                for _ in 1..READINGS {
                    let value = counter.load(Ordering::SeqCst);
                    counter.store(value + 1, Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}

fn mutex() -> u64 {
    let counter = Mutex::new(0);
    sample(|| *counter.lock().unwrap_or_else(PoisonError::into_inner) += 1);
    counter.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn fetch_add() -> u64 {
    let counter = AtomicU64::new(0);
    sample(|| _ = counter.fetch_add(1, Ordering::Relaxed));
    counter.into_inner()
}

fn sharded() -> u64 {
    let counter = Counter::new();
    sample(|| counter.add(1));
    counter.sum()
}

fn local_handles() -> u64 {
    let counter = Counter::new();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut mine = counter.local();
                (0..READINGS).for_each(|_| mine.add(1));
            });
        }
    });
    counter.sum()
}

fn nothing_shared() -> u64 {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| (0..READINGS).map(|_| 1).sum::<u64>()))
            .collect();
        let sums = threads.into_iter().map(thread::ScopedJoinHandle::join);
        sums.map(|sum| sum.expect("nothing panics here")).sum()
    })
}
