//! The Game of Life on one thread, and the moment at which that is no longer enough: a cell that
//! waits.
//!
//! Item 56: `cargo run --release -p effective-threads --example item_56`

use std::thread;
use std::time::{Duration, Instant};

#[path = "life/grid.rs"]
mod grid;
use grid::{Grid, rule};

const GENERATIONS: u32 = 4;

fn main() {
    run(Duration::from_millis(1));
}

pub(crate) fn run(wait: Duration) {
    let start = Instant::now();
    let mut grid = Grid::glider();
    for generation in 0..GENERATIONS {
        println!("generation {generation}\n{grid}");
        grid = step(&grid);
    }
    let computing = start.elapsed();
    assert_eq!(grid, Grid::glider().moved(1, 1));

    let start = Instant::now();
    let mut grid = Grid::glider();
    for _ in 0..GENERATIONS {
        grid = step_with_io(&grid, wait);
    }
    let waiting = start.elapsed();
    assert_eq!(grid, Grid::glider().moved(1, 1));
    // One wait after another: the time grows with the grid.
    let cells = grid.positions().count() as u32;
    assert!(waiting >= GENERATIONS * cells * wait);
    println!(
        "{GENERATIONS} generations: {computing:.0?} computing, {waiting:.0?} with a wait per cell"
    );
}

/// The program that needs no concurrency.
fn step(grid: &Grid) -> Grid {
    let next = |place| rule(grid.is_alive(place), grid.neighbours(place));
    grid.with_cells(grid.positions().map(next).collect())
}

/// The same once each cell is kept somewhere else. Each call is a unit of work that could run at
/// the same time as the others: to start them is the fan-out, to wait for all of them the fan-in.
fn step_with_io(grid: &Grid, wait: Duration) -> Grid {
    let next = |place| {
        thread::sleep(wait);
        rule(grid.is_alive(place), grid.neighbours(place))
    };
    grid.with_cells(grid.positions().map(next).collect())
}
