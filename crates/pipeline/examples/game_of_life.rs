//! Conway's Game of Life, the example of Item 58, whose rows now do input and output. By hand it
//! takes two queues, a worker class, an exception that travels in an output, and code that joins
//! and sorts. Here it is one stage, and a second one for another step that turns out to be slow.
//!
//! `cargo run -p effective-pipeline --example game_of_life`

use effective_pipeline::{Pipeline, PipelineError};

type Grid = Vec<Vec<bool>>;

fn neighbours(grid: &Grid, y: usize) -> Vec<usize> {
    let (height, width) = (grid.len(), grid[0].len());
    let around = |at: usize, size: usize| [(at + size - 1) % size, at, (at + 1) % size];
    (0..width)
        .map(|x| {
            around(y, height)
                .into_iter()
                .flat_map(|row| around(x, width).map(|column| (row, column)))
                .filter(|&(row, column)| (row, column) != (y, x) && grid[row][column])
                .count()
        })
        .collect()
}

/// The rule. It may fail, as any input or output may.
fn next_row(row: &[bool], neighbours: &[usize]) -> Result<Vec<bool>, String> {
    row.iter()
        .zip(neighbours)
        .map(|(alive, neighbours)| match (alive, neighbours) {
            (_, 9..) => Err(format!("a cell has {neighbours} neighbours")),
            (true, 2) | (_, 3) => Ok(true),
            _ => Ok(false),
        })
        .collect()
}

/// One generation. The rows borrow the grid and come back in order.
fn simulate(grid: &Grid) -> Result<Grid, PipelineError> {
    Pipeline::new()
        .stage("count", 2, |y| (y, neighbours(grid, y)))
        .try_stage("rule", 2, |(y, neighbours): (usize, Vec<usize>)| {
            next_row(&grid[y], &neighbours)
        })
        .collect(0..grid.len())
}

fn main() -> Result<(), PipelineError> {
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
            let row: String = row
                .iter()
                .map(|&alive| if alive { '#' } else { '.' })
                .collect();
            println!("  {row}");
        }
        grid = simulate(&grid)?;
    }
    Ok(())
}
