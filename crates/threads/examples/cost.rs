//! The cost of a thread on this machine, for the tables of the README.
//!
//! `cargo run --release -p effective-threads --example cost`

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Instant;

use effective_threads::Threads;

const ROUNDS: usize = 51;
const TASKS: usize = 1_000;
const LIVE: usize = 1_000;

fn main() {
    println!("### Time, for a task that adds two numbers\n");
    println!("| way | ns per task |\n|---|---:|");
    let cores = NonZeroUsize::new(num_cpus::get()).unwrap_or(NonZeroUsize::MIN);
    row("a plain call", || {
        (0..TASKS).for_each(|n| _ = black_box(black_box(n) + 1));
    });
    row(
        &format!("{cores} reused threads that claim tasks from a counter"),
        || reused(cores),
    );
    row("a thread per task, one at a time", || {
        Threads::new()
            .limit(NonZeroUsize::MIN)
            .map(0..TASKS, |n| black_box(n + 1));
    });
    row(&format!("a thread per task, {cores} at a time"), || {
        Threads::new()
            .limit(cores)
            .map(0..TASKS, |n| black_box(n + 1));
    });
    row("a thread per task, all at once", || {
        effective_threads::map(0..TASKS, |n| black_box(n + 1));
    });
    row(
        "`std::thread::scope`, spawn and join, one at a time",
        || {
            for n in 0..TASKS {
                thread::scope(|scope| _ = scope.spawn(|| black_box(n + 1)));
            }
        },
    );

    println!("\n### Memory, with {LIVE} live threads that have only started\n");
    match memory() {
        Some(rows) => {
            println!("| what | KiB per thread |\n|---|---:|");
            for (what, kib) in rows {
                println!("| {what} | {:.1} |", kib / LIVE as f64);
            }
        }
        None => println!("Unknown: it is read from `/proc`, which only Linux has."),
    }
    println!(
        "\nAt most {} threads of this crate can be alive at once.",
        effective_threads::max_live_threads()
    );
}

fn row(way: &str, mut work: impl FnMut()) {
    let mut times: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e9 / TASKS as f64
        })
        // The first round warms up.
        .skip(1)
        .collect();
    times.sort_by(f64::total_cmp);
    println!("| {way} | {:.1} |", times[ROUNDS / 2]);
}

/// Runs the same tasks on a few threads, including the time to start those.
fn reused(workers: NonZeroUsize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers.get() {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < TASKS {
                    black_box(black_box(1) + 1);
                }
            });
        }
    });
}

/// The memory that the threads took, in KiB for all of them.
fn memory() -> Option<Vec<(&'static str, f64)>> {
    const ROWS: [(&str, &str, &str); 5] = [
        ("/proc/self/status", "VmSize:", "address space"),
        ("/proc/self/status", "VmRSS:", "resident memory"),
        ("/proc/self/status", "VmPTE:", "page tables"),
        (
            "/proc/meminfo",
            "KernelStack:",
            "kernel stack (of the whole system)",
        ),
        (
            "/proc/meminfo",
            "SUnreclaim:",
            "other kernel memory (of the whole system)",
        ),
    ];
    let read =
        || -> Option<Vec<f64>> { ROWS.iter().map(|(file, key, _)| kib(file, key)).collect() };
    // A first run allocates the memory that later runs reuse.
    let all = Barrier::new(LIVE);
    effective_threads::map(0..LIVE, |_| _ = all.wait());
    let before = read()?;
    let after = Mutex::new(None);
    effective_threads::map(0..LIVE, |_| {
        if all.wait().is_leader() {
            *after.lock().expect("no task panics") = read();
        }
        all.wait();
    });
    let after = after.into_inner().expect("no task panics")?;
    let names = ROWS.iter().map(|(_, _, name)| *name);
    Some(
        names
            .zip(
                after
                    .iter()
                    .zip(before)
                    .map(|(after, before)| after - before),
            )
            .collect(),
    )
}

fn kib(file: &str, key: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
