//! An order service that is recorded while it works: worker threads ask a price server over HTTP
//! and sign an invoice. `JOB_TRACE=orders.jsonl cargo run --release -p effective-job-trace
//! --example orders` writes a trace; without the variable nothing is recorded.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use effective_job_trace::Recorder;
use sha2::{Digest as _, Sha256};

const WORKERS: usize = 4;
const ORDERS: usize = 400;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let recorder = Recorder::from_env("JOB_TRACE")?;
    let server = price_server()?;
    let orders = Mutex::new(0..ORDERS);
    let signed: Result<Vec<usize>, io::Error> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| work(&recorder, &orders, server)))
            .collect();
        let ends = workers.into_iter().map(thread::ScopedJoinHandle::join);
        ends.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    println!("{} invoices signed", signed?.iter().sum::<usize>());
    if recorder.is_on() {
        println!("{} tasks recorded", recorder.finish()?.tasks);
    }
    Ok(())
}

/// Takes orders until none is left. Each of them is a task.
fn work(
    recorder: &Recorder,
    orders: &Mutex<std::ops::Range<usize>>,
    server: SocketAddr,
) -> io::Result<usize> {
    let mut signed = 0;
    loop {
        let order = orders.lock().map_or(None, |mut orders| orders.next());
        let Some(order) = order else {
            return Ok(signed);
        };
        recorder.task(|| invoice(order, server))?;
        signed += 1;
    }
}

/// The signature of an order's invoice. Every eighth order is a large one, which takes longer to
/// price and to sign.
fn invoice(order: usize, server: SocketAddr) -> io::Result<[u8; 32]> {
    let items = if order.is_multiple_of(8) { 20 } else { 2 };
    let prices = fetch(server, &format!("/prices?items={items}"))?;
    let mut signature = [0; 32];
    for price in prices.lines() {
        for _ in 0..400 {
            let text = [price.as_bytes(), &signature].concat();
            signature = Sha256::digest(text).into();
        }
    }
    Ok(signature)
}

fn fetch(server: SocketAddr, target: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(1 << 20).read_to_string(&mut answer)?;
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    body.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A server that looks up each price for half a millisecond, a thread for each connection.
fn price_server() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks ends alone.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    // All of it: a connection that is closed with something unread is reset.
    let lines = BufReader::new(&stream).take(4096).lines();
    let request: Vec<String> = lines
        .take_while(|line| line.as_ref().map_or(true, |line| !line.is_empty()))
        .collect::<io::Result<_>>()?;
    let items = request
        .first()
        .and_then(|line| line.split("items=").nth(1)?.split(' ').next());
    let items: u32 = items.and_then(|items| items.parse().ok()).unwrap_or(0);
    thread::sleep(Duration::from_micros(500) * items);
    let prices: String = (0..items)
        .map(|item| format!("item {item}: {}\n", item * 7))
        .collect();
    stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{prices}").as_bytes())
}
