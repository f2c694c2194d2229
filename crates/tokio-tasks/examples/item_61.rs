//! The line server of `item_61` of `effective-threads`, ported: the same steps, with an `await` at
//! each wait, on one thread.
//!
//! Item 61: `cargo run -p effective-tokio-tasks --example item_61`

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

const CLIENTS: usize = 10;

type Used = Arc<Mutex<HashSet<ThreadId>>>;

fn main() -> Result<(), Box<dyn Error>> {
    run()
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(talk())
}

async fn talk() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let all_are_connected = Arc::new(Barrier::new(CLIENTS));
    let used = Used::default();
    let server = tokio::spawn(serve(listener, Arc::clone(&used)));
    let clients = effective_tokio_tasks::map(0..CLIENTS, move |n| {
        client(address, n, Arc::clone(&all_are_connected))
    });
    for (number, sum) in clients.await.into_iter().enumerate() {
        assert_eq!(sum??, 3 * number);
    }
    server.await??;
    let threads = used.lock().expect("no panic").len();
    assert_eq!(threads, 1);
    println!("{CLIENTS} connections were served by {threads} thread");
    Ok(())
}

async fn serve(listener: TcpListener, used: Used) -> io::Result<()> {
    for _ in 0..CLIENTS {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(session(stream, Arc::clone(&used)));
    }
    Ok(())
}

/// Answers each line, a number, with the sum so far.
async fn session(mut stream: TcpStream, used: Used) -> io::Result<()> {
    used.lock()
        .expect("no panic")
        .insert(thread::current().id());
    let mut sum = 0;
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        sum += line.parse::<usize>().map_err(io::Error::other)?;
        writer.write_all(format!("{sum}\n").as_bytes()).await?;
    }
    Ok(())
}

/// Sends its number, waits until every client is connected, sends twice its number.
async fn client(address: SocketAddr, number: usize, all: Arc<Barrier>) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    let (reader, mut writer) = stream.split();
    let mut answers = BufReader::new(reader).lines();
    writer.write_all(format!("{number}\n").as_bytes()).await?;
    answers.next_line().await?;
    all.wait().await;
    writer
        .write_all(format!("{}\n", 2 * number).as_bytes())
        .await?;
    let sum = answers
        .next_line()
        .await?
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    sum.parse().map_err(io::Error::other)
}
