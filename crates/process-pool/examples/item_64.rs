//! Ten CPU-bound jobs in turn, on threads and on processes, and a job that crashes.
//!
//! Item 64: `cargo run --release -p effective-process-pool --example item_64`

use std::error::Error;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::{JobError, ProcessPool, job, register};

const WORKERS: usize = 2;

/// Bounds each job, so that no input can hang the program.
const LIMIT: Duration = Duration::from_secs(60);

const PAIRS: [(u32, u32); 10] = [
    (1_963_309, 2_265_973),
    (2_030_677, 3_814_172),
    (1_551_645, 2_229_620),
    (2_039_045, 2_020_802),
    (1_823_712, 1_924_928),
    (2_293_129, 1_020_491),
    (1_281_238, 2_273_782),
    (3_823_812, 4_237_281),
    (3_812_741, 4_729_139),
    (1_292_391, 2_123_811),
];

job! {
    /// The greatest common divisor, by trial.
    fn gcd(a: u32, b: u32) -> u32 {
        divisor(a, b)
    }

    /// A program with two threads, of which one fails as a C library does.
    fn two_threads() -> u32 {
        thread::spawn(|| process::abort()).join().expect("it does not return");
        7
    }
}

fn divisor(a: u32, b: u32) -> u32 {
    let common = |n: &u32| a.is_multiple_of(*n) && b.is_multiple_of(*n);
    (1..=a.min(b)).rev().find(common).unwrap_or(1)
}

fn main() -> Result<(), Box<dyn Error>> {
    run()
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    // First: a worker starts here and does not return.
    let program = register![gcd, two_threads];
    let pool = ProcessPool::builder(&program)
        .workers(WORKERS)
        .time_limit(LIMIT)
        .build()?;

    let start = Instant::now();
    let expected = PAIRS.map(|(a, b)| divisor(a, b));
    println!("in turn:            {:.1?}", start.elapsed());

    let start = Instant::now();
    assert_eq!(on_threads(), expected);
    println!("on {WORKERS} new threads:   {:.1?}", start.elapsed());

    let start = Instant::now();
    let found: Vec<u32> = pool
        .map::<gcd>(PAIRS)
        .into_iter()
        .collect::<Result<_, _>>()?;
    assert_eq!(found, expected);
    println!("on {WORKERS} processes:     {:.1?}", start.elapsed());

    // A crash takes all threads of its process with it: here those of a worker.
    let crashed = pool.submit::<two_threads>(())?.wait();
    assert!(matches!(crashed, Err(JobError::Crashed(_))));
    println!("{}", crashed.expect_err("as asserted"));
    assert_eq!(pool.submit::<gcd>((12, 18))?.wait()?, 6);
    println!("and the next job has its result");
    Ok(())
}

/// The pool of threads that safe code needs: no serialisation, and the inputs are borrowed.
fn on_threads() -> [u32; 10] {
    let (next, results) = (AtomicUsize::new(0), Mutex::new([0; 10]));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((at, (a, b))) = claim(&next) {
                    let found = divisor(a, b);
                    results.lock().unwrap_or_else(PoisonError::into_inner)[at] = found;
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn claim(next: &AtomicUsize) -> Option<(usize, (u32, u32))> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    PAIRS.get(at).map(|pair| (at, *pair))
}
