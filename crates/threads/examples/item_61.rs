//! A line server with a thread for each connection, before its port to async code.
//!
//! Item 61: `cargo run -p effective-threads --example item_61`; the port is `item_61` of
//! `effective-tokio-tasks`.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Barrier, Mutex};
use std::thread::{self, ThreadId};

const CLIENTS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    run()
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let all_are_connected = Barrier::new(CLIENTS);
    let used = Mutex::new(HashSet::new());
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        scope.spawn(|| serve(&listener, &used));
        let clients =
            effective_threads::map(0..CLIENTS, |n| client(address, n, &all_are_connected));
        for (number, sum) in clients.into_iter().enumerate() {
            assert_eq!(sum??, 3 * number);
        }
        Ok(())
    })?;
    let threads = used.into_inner()?.len();
    assert_eq!(threads, CLIENTS);
    println!("{CLIENTS} connections were served by {threads} threads");
    Ok(())
}

fn serve(listener: &TcpListener, used: &Mutex<HashSet<ThreadId>>) -> io::Result<()> {
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (stream, _) = listener.accept()?;
            scope.spawn(|| session(stream, used));
        }
        Ok(())
    })
}

/// Answers each line, a number, with the sum so far.
fn session(stream: TcpStream, used: &Mutex<HashSet<ThreadId>>) -> io::Result<()> {
    used.lock()
        .expect("no panic")
        .insert(thread::current().id());
    let mut sum = 0;
    for line in BufReader::new(&stream).lines() {
        sum += line?.parse::<usize>().map_err(io::Error::other)?;
        writeln!(&stream, "{sum}")?;
    }
    Ok(())
}

/// Sends its number, waits until every client is connected, sends twice its number.
fn client(address: SocketAddr, number: usize, all: &Barrier) -> io::Result<usize> {
    let stream = TcpStream::connect(address)?;
    let mut answers = BufReader::new(&stream).lines();
    writeln!(&stream, "{number}")?;
    answers.next().transpose()?;
    all.wait();
    writeln!(&stream, "{}", 2 * number)?;
    let sum = answers.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    sum.parse().map_err(io::Error::other)
}
