//! Ten fetches gathered on one thread, and the Game of Life with a coroutine for each cell.
//!
//! Item 60: `cargo run --release -p effective-coroutines --example item_60`

use std::cell::Cell;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use async_io::{Async, Timer};
use effective_coroutines::{TaskError, gather};
use futures::executor::block_on;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[path = "life/grid.rs"]
mod grid;
use grid::{Grid, rule};

fn main() -> Result<(), Box<dyn Error>> {
    run(Duration::from_millis(20))
}

pub(crate) fn run(delay: Duration) -> Result<(), Box<dyn Error>> {
    let address = serve(20, delay)?;
    let expected: Vec<u32> = (0..10).map(|number| number * number).collect();

    let start = Instant::now();
    let gathered = block_on(gather((0..10).map(|number| fetch(address, number))));
    let at_once = start.elapsed();
    let gathered: Vec<u32> = gathered
        .into_iter()
        .collect::<Result<io::Result<_>, _>>()??;
    assert_eq!(gathered, expected);

    // The failure: an await in a loop is a wait after a wait.
    let start = Instant::now();
    block_on(async {
        for number in 0..10 {
            fetch(address, number).await?;
        }
        Ok::<(), io::Error>(())
    })?;
    let in_turn = start.elapsed();
    assert!(in_turn >= 10 * delay);
    println!("ten fetches of {delay:?}: {at_once:.0?} gathered, {in_turn:.0?} one after another");

    // Another failure: a future that nothing awaits does nothing.
    let asked = Cell::new(0);
    drop(async { asked.set(asked.get() + 1) });
    assert_eq!(asked.get(), 0);

    let start = Instant::now();
    let mut grid = Grid::glider();
    for _ in 0..4 {
        grid = block_on(step(&grid, delay))?;
    }
    assert_eq!(grid, Grid::glider().moved(1, 1));
    println!(
        "four generations on one thread took {:.1?}:\n{grid}",
        start.elapsed()
    );
    Ok(())
}

/// One coroutine per cell. It borrows the grid, and a wait takes no thread.
async fn step(grid: &Grid, wait: Duration) -> Result<Grid, TaskError> {
    let cells = effective_coroutines::map(grid.positions(), async |place| {
        Timer::after(wait).await;
        rule(grid.is_alive(place), grid.neighbours(place))
    });
    let cells: Result<_, _> = cells.await.into_iter().collect();
    Ok(grid.with_cells(cells?))
}

async fn fetch(address: SocketAddr, number: u32) -> io::Result<u32> {
    let mut stream = Async::<TcpStream>::connect(address).await?;
    stream.write_all(format!("{number}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    answer.trim().parse().map_err(io::Error::other)
}

/// Answers that many requests with the square of the number, each after a delay.
fn serve(requests: usize, delay: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            thread::spawn(move || answer(stream?, delay));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, delay: Duration) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    thread::sleep(delay);
    let number: u32 = line.trim().parse().map_err(io::Error::other)?;
    writeln!(stream, "{}", number * number)
}
