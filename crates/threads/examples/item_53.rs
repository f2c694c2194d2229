//! Five blocking calls, one after another and on five threads; then computing on threads.
//!
//! Item 53: `cargo run --release -p effective-threads --example item_53`

use std::error::Error;
use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use effective_threads::Threads;

fn main() -> Result<(), Box<dyn Error>> {
    run(Duration::from_millis(100))
}

pub(crate) fn run(wait: Duration) -> Result<(), Box<dyn Error>> {
    // Without threads the waits add up.
    let start = Instant::now();
    for _ in 0..5 {
        slow_call(wait)?;
    }
    let in_turn = start.elapsed();
    assert!(in_turn >= 5 * wait);

    // One thread for each: the waits overlap.
    let start = Instant::now();
    for result in effective_threads::map(0..5, |_| slow_call(wait)) {
        result??;
    }
    println!(
        "five calls of {wait:?}: {in_turn:.0?} in turn, {:.0?} on threads",
        start.elapsed()
    );

    // Rust has no global lock, so threads compute in parallel as well: one per core.
    let numbers = [2_139_079, 1_214_759, 1_516_637, 1_852_285];
    let start = Instant::now();
    let expected = numbers.map(factors);
    let in_turn = start.elapsed();
    let start = Instant::now();
    let found = Threads::new().limit_to_cores().map(numbers, factors);
    let on_threads = start.elapsed();
    assert_eq!(found.into_iter().collect::<Result<Vec<_>, _>>()?, expected);
    println!("four factorisations: {in_turn:.1?} in turn, {on_threads:.1?} on threads");
    Ok(())
}

/// A blocking call of the system: waits for a datagram that never comes.
fn slow_call(wait: Duration) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(wait))?;
    let error = socket.recv(&mut [0]).expect_err("nothing is sent");
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(()),
        _ => Err(error),
    }
}

fn factors(number: u32) -> Vec<u32> {
    (1..=number).filter(|n| number.is_multiple_of(*n)).collect()
}
