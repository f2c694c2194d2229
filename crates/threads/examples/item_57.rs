//! The Game of Life with a thread for each cell and generation: simple, dear, and with a panic that
//! does not get lost.
//!
//! Item 57: `cargo run --release -p effective-threads --example item_57`

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{TaskError, Threads};

#[path = "life/grid.rs"]
mod grid;
use grid::{Grid, rule};

fn main() {
    run(Duration::from_millis(1));
}

pub(crate) fn run(wait: Duration) {
    let start = Instant::now();
    let mut grid = Grid::glider();
    let mut threads = 0;
    for _ in 0..4 {
        threads += grid.positions().count();
        grid = step(&grid, wait).expect("no cell fails");
    }
    assert_eq!(grid, Grid::glider().moved(1, 1));
    println!(
        "four generations with {threads} threads took {:.1?}:\n{grid}",
        start.elapsed()
    );

    let results = Threads::new().map(grid.positions(), failing_cell);
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 1);
    println!("{failed} cell failed, and its error is in its place");

    let (found, of) = detached(&grid);
    assert_eq!(found + 1, of);
    println!("with detached threads {found} of {of} cells came back, and no error did");
}

/// Fan-out and fan-in in one call: a thread per cell, and the results in order.
fn step(grid: &Grid, wait: Duration) -> Result<Grid, TaskError> {
    let next = |place| {
        thread::sleep(wait);
        rule(grid.is_alive(place), grid.neighbours(place))
    };
    let cells = effective_threads::map(grid.positions(), next);
    Ok(grid.with_cells(cells.into_iter().collect::<Result<_, _>>()?))
}

fn failing_cell(place: (usize, usize)) -> usize {
    assert_ne!(place, (2, 2), "this cell cannot be read");
    place.0
}

/// The failure: nothing joins these threads, so a panic is a line on standard error,
/// and the program goes on with a result too few.
fn detached(grid: &Grid) -> (usize, usize) {
    let (send, receive) = mpsc::channel();
    let started = grid.positions().count();
    for place in grid.positions() {
        let send = send.clone();
        thread::spawn(move || send.send(failing_cell(place)));
    }
    drop(send);
    (receive.iter().count(), started)
}
