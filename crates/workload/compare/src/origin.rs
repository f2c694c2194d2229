//! The origin server: bytes on request, after a delay, and growing logs, for any number of clients
//! at once.
//!
//! `origin [FOLDER]` writes the logs into that folder, or into the system's temporary one. It
//! prints the address it listens on, one line, and exits when its standard input ends. One thread
//! serves all connections, to take as little as possible from the models that share the machine
//! with it.

use std::env;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use workload::definition::{LARGEST_BYTES, LONGEST_NS};
use workload::descriptors;
use workload::task::{self, Fetch, Growth, Log};
use workload::value::Rng;

/// The limit on connections that wait to be accepted. With the defaults of std and tokio, further
/// ones would hang.
const BACKLOG: u32 = 4096;

/// The longest request, in bytes: one line and a few headers.
const LONGEST_REQUEST: usize = 4096;

/// The time limit for a request to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The size of the pieces in which a body is made and sent: whole words of the generator.
const PIECE: u64 = 64 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("origin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let folder = env::args_os()
        .nth(1)
        .map_or_else(env::temp_dir, PathBuf::from);
    // Clients get absolute paths.
    let folder = std::path::absolute(folder)?;
    descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let mut stdout = io::stdout();
        writeln!(stdout, "{}", listener.local_addr()?)?;
        stdout.flush()?;
        std::thread::spawn(|| {
            // The input is ignored: its end is the signal.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            std::process::exit(0);
        });
        accept(listener, folder.into()).await
    })
}

async fn accept(listener: TcpListener, folder: Arc<Path>) -> io::Result<()> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A failure ends only this connection.
                let folder = Arc::clone(&folder);
                tokio::spawn(async move { drop(answer(stream, &folder).await) });
            }
            // Out of descriptors, or a client that disconnected before it was accepted: others may
            // still come.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn answer(mut stream: TcpStream, folder: &Path) -> io::Result<()> {
    let asked = tokio::time::timeout(PATIENCE, request(&mut stream));
    // A client that sends nothing, or too much, gets no answer.
    let Ok(Ok(Some(request))) = asked.await else {
        return Ok(());
    };
    let target = std::str::from_utf8(&request)
        .ok()
        .and_then(|text| text.split(' ').nth(1));
    let log = target
        .and_then(Log::from_target)
        .filter(|log| log.bytes <= LARGEST_BYTES && log.over_ns <= LONGEST_NS);
    if let Some(log) = log {
        return write_log(log, folder, stream).await;
    }
    let fetch = target
        .and_then(Fetch::from_target)
        .filter(|fetch| fetch.bytes <= LARGEST_BYTES && fetch.delay_ns <= LONGEST_NS);
    let Some(fetch) = fetch else {
        return stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    if fetch.delay_ns > 0 {
        tokio::time::sleep(Duration::from_nanos(fetch.delay_ns)).await;
    }
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        fetch.bytes
    )
    .into_bytes();
    // Piece by piece: thousands of large bodies at once would not fit into memory, and making a
    // whole one would delay all other clients. The usual body goes out in one write with its head.
    let mut body = Rng::new(fetch.seed);
    let mut left = fetch.bytes;
    loop {
        let piece = left.min(PIECE);
        response.extend(body.bytes(piece as usize));
        stream.write_all(&response).await?;
        response.clear();
        left -= piece;
        if left == 0 {
            return stream.shutdown().await;
        }
    }
}

/// The head of a request; `None` if the connection ends first or the head is too long.
async fn request(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::with_capacity(256);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 || request.len() > LONGEST_REQUEST {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

/// Creates a file for the log, sends its path to the client, and lets it grow.
///
/// The serving thread also writes the log: a few hundred bytes are due at a time, which reach the
/// page cache sooner than another thread could be woken.
async fn write_log(log: Log, folder: &Path, mut stream: TcpStream) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("log-{}-{number}", std::process::id()));
    let begun = Growth::begin(log, &path).and_then(|growth| Ok((growth, task::answer(&path)?)));
    let (mut growth, answer) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("origin: {}: {error}", path.display());
            let refused = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
            return stream.write_all(refused).await;
        }
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    drop(stream);
    while let Some(pause) = growth.grow()? {
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}
