//! Many requests over sockets from one thread, with a limit, a time limit and retries:
//! `cargo run --example fetch_many -p effective-coroutines`
//!
//! The server is a second task on the same thread.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::time::Duration;

use async_io::{Async, Timer};
use effective_coroutines::{Backoff, Retry, Tasks, first_completed};
use futures::future::FutureExt as _;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use futures::stream::StreamExt as _;

const LIMIT: NonZeroUsize = NonZeroUsize::new(16).unwrap();
const REQUESTS: u32 = 200;

/// Every tenth connection is closed early, and the same request may meet several of them.
const ATTEMPTS: NonZeroUsize = NonZeroUsize::new(10).unwrap();

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
    let address = listener.get_ref().local_addr()?;

    // The end of one ends the other; the server does not end by itself.
    let both = [
        serve(&listener).boxed_local(),
        fetch_all(address).boxed_local(),
    ];
    let (_, result) = first_completed(both).await?;
    println!("{} bytes of answers", result??);
    Ok(())
}

async fn fetch_all(address: SocketAddr) -> io::Result<usize> {
    let retry = Retry::new()
        .attempts(ATTEMPTS)
        .backoff(Backoff::exponential(Duration::from_millis(1), 2.0).jitter(0.5));
    let mut completed = Tasks::new()
        .limit(LIMIT)
        .time_limit(Duration::from_secs(10))
        .retry(retry)
        .as_completed(0..REQUESTS, |number, _attempt| fetch(address, number));
    let mut bytes = 0;
    while let Some((_, result)) = completed.next().await {
        bytes += result.map_err(io::Error::other)?.len();
    }
    Ok(bytes)
}

/// One request: connect, ask, read the answer to its end.
async fn fetch(address: SocketAddr, number: u32) -> io::Result<String> {
    let mut stream = Async::<TcpStream>::connect(address).await?;
    stream.write_all(format!("{number}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let expected = format!("answer to {number}\n");
    match answer == expected {
        true => Ok(answer),
        // Every tenth connection was closed early.
        false if answer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Serves at most `LIMIT` connections at once: the end of one makes room for the next.
async fn serve(listener: &Async<TcpListener>) -> io::Result<usize> {
    let mut connections = Tasks::new()
        .limit(LIMIT)
        .as_completed(1_u64.., async |number| {
            let (stream, _) = listener.accept().await?;
            answer(stream, number % 10 == 0).await
        });
    while let Some((_, result)) = connections.next().await {
        result.map_err(io::Error::other)??;
    }
    Err(io::Error::other("the connection numbers ran out"))
}

async fn answer(mut stream: Async<TcpStream>, closes_early: bool) -> io::Result<()> {
    let mut request = [0; 16];
    let length = stream.read(&mut request).await?;
    Timer::after(Duration::from_millis(2)).await;
    if closes_early {
        return Ok(());
    }
    stream.write_all(b"answer to ").await?;
    stream.write_all(&request[..length]).await
}
