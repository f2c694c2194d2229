//! The Game of Life, the example of Item 59: each generation is a `map` over the rows of the last
//! one.
//!
//! `cargo run -p effective-thread-pool --example game_of_life`

use std::error::Error;
use std::sync::Arc;

use effective_thread_pool::ThreadPool;

type Grid = Vec<Vec<bool>>;

fn neighbours(grid: &Grid, y: usize, x: usize) -> usize {
    let (height, width) = (grid.len(), grid[0].len());
    let around = |at: usize, size: usize| [(at + size - 1) % size, at, (at + 1) % size];
    around(y, height)
        .into_iter()
        .flat_map(|row| around(x, width).map(|column| (row, column)))
        .filter(|&(row, column)| (row, column) != (y, x) && grid[row][column])
        .count()
}

fn next_row(grid: &Grid, y: usize) -> Vec<bool> {
    (0..grid[y].len())
        .map(|x| matches!((grid[y][x], neighbours(grid, y, x)), (true, 2) | (_, 3)))
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::new(4)?;
    let glider = [
        " #       ",
        "  #      ",
        "###      ",
        "         ",
        "         ",
    ];
    let mut grid: Grid = glider
        .iter()
        .map(|row| row.chars().map(|cell| cell == '#').collect())
        .collect();

    for generation in 0..5 {
        println!("generation {generation}");
        for row in &grid {
            println!(
                "  {}",
                row.iter()
                    .map(|&alive| if alive { '#' } else { '.' })
                    .collect::<String>()
            );
        }
        let now = Arc::new(grid);
        let height = now.len();
        grid = pool
            .map(0..height, move |y| next_row(&now, y))
            .into_iter()
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}
