//! The Game of Life with queues between its steps: a stage for the input of a cell, one for the
//! rule, and a bounded buffer between them.
//!
//! Item 58: `cargo run --release -p effective-pipeline --example item_58`

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_pipeline::{Pipeline, PipelineError};

#[path = "life/grid.rs"]
mod grid;
use grid::{Grid, rule};

const BUFFER: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    run(Duration::from_millis(1))
}

pub(crate) fn run(wait: Duration) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut grid = Grid::glider();
    for _ in 0..4 {
        grid = step(&grid, wait)?;
    }
    assert_eq!(grid, Grid::glider().moved(1, 1));
    println!(
        "four generations with 18 threads each took {:.1?}:\n{grid}",
        start.elapsed()
    );

    let error = failing_step(&grid).expect_err("one cell has too many neighbours");
    println!("the error of a stage: {error}");

    let (bounded, unbounded) = (waiting_at_most(1_000)?, waiting_without_a_bound(1_000));
    assert!(bounded <= BUFFER && unbounded == 1_000);
    println!(
        "a slow second step: at most {bounded} items wait in the buffer, {unbounded} in a channel without a bound"
    );
    Ok(())
}

/// The first stage waits, so it has many workers; the second computes. The cells come out in order.
fn step(grid: &Grid, wait: Duration) -> Result<Grid, PipelineError> {
    let cells = Pipeline::new()
        .stage("read", 16, |place| {
            thread::sleep(wait);
            (grid.is_alive(place), grid.neighbours(place))
        })
        .stage("rule", 2, |(is_alive, neighbours)| {
            rule(is_alive, neighbours)
        })
        .buffer(BUFFER)
        .collect(grid.positions())?;
    Ok(grid.with_cells(cells))
}

/// An error ends the run and says in which stage, and at which item.
fn failing_step(grid: &Grid) -> Result<Vec<usize>, PipelineError> {
    Pipeline::new()
        .try_stage("count", 4, |place| match grid.neighbours(place) {
            count @ 3.. => Err(format!("{count} neighbours")),
            count => Ok(count),
        })
        .stage("double", 1, |count| 2 * count)
        .collect(grid.positions())
}

/// The most items that waited for the second step.
fn waiting_at_most(items: u32) -> Result<usize, PipelineError> {
    let pipeline = Pipeline::new()
        .stage("quick", 1, |item| item)
        .stage("slow", 1, |item: u32| {
            thread::yield_now();
            item
        })
        .buffer(BUFFER);
    let handle = pipeline.handle();
    assert_eq!(pipeline.collect(0..items)?.len(), items as usize);
    Ok(handle.counts().stages[1].peak)
}

/// The failure without a bound: while the second step does not come to it, everything waits.
fn waiting_without_a_bound(items: u32) -> usize {
    let (put, get) = mpsc::channel();
    for item in 0..items {
        put.send(item).expect("the receiver lives");
    }
    drop(put);
    get.iter().count()
}
