//! Ten numbers doubled in a pool of four, and the Game of Life on the same pool.
//!
//! Item 59: `cargo run --release -p effective-thread-pool --example item_59`

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use effective_thread_pool::{JobError, ThreadPool};

#[path = "life/grid.rs"]
mod grid;
use grid::{Grid, rule};

const WORKERS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    run(Duration::from_millis(1))
}

pub(crate) fn run(wait: Duration) -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::new(WORKERS)?;
    let doubled = pool.map(0..10, |number| 2 * number);
    let doubled: Vec<i32> = doubled.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(doubled, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    println!("doubled: {doubled:?}");

    let start = Instant::now();
    let mut grid = Grid::glider();
    for _ in 0..4 {
        grid = step(&pool, grid, wait)?;
    }
    assert_eq!(grid, Grid::glider().moved(1, 1));
    println!(
        "four generations on {WORKERS} threads took {:.1?}:\n{grid}",
        start.elapsed()
    );

    // A panic is the error of its own job, and the worker lives on.
    let failed = pool.submit(|| panic!("this cell cannot be read"))?;
    let error: JobError = failed.wait().expect_err("it panics");
    println!("the error of a job: {error}");

    let (pooled, unpooled) = (most_at_once(&pool), most_threads_without_a_pool());
    assert!(pooled <= WORKERS && unpooled == 100);
    println!("100 jobs: at most {pooled} at once on the pool, {unpooled} with a thread each");
    Ok(())
}

/// The fan-out and the fan-in are one call, and no thread is started.
fn step(pool: &ThreadPool, grid: Grid, wait: Duration) -> Result<Grid, JobError> {
    let now = Arc::new(grid);
    let shared = Arc::clone(&now);
    let cells = pool.map(now.positions(), move |place| {
        thread::sleep(wait);
        rule(shared.is_alive(place), shared.neighbours(place))
    });
    Ok(now.with_cells(cells.into_iter().collect::<Result<_, _>>()?))
}

fn most_at_once(pool: &ThreadPool) -> usize {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let results = pool.map(0..100, move |_| {
        peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_micros(100));
        running.fetch_sub(1, Ordering::SeqCst);
    });
    assert!(results.iter().all(Result::is_ok));
    most.load(Ordering::SeqCst)
}

/// The failure without a bound: as many threads at once as there are jobs.
fn most_threads_without_a_pool() -> usize {
    let running = AtomicUsize::new(0);
    let all_run = Barrier::new(100);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                running.fetch_add(1, Ordering::SeqCst);
                // Passes only if all of them are alive.
                all_run.wait();
            });
        }
    });
    running.into_inner()
}
