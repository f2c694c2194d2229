//! A busy echo server with three planted stalls, of 50 ms, of 200 ms and without an end, and their
//! reports.
//!
//! `cargo run --release -p effective-stall-watch --features tokio,backtrace --example echo_server`
//!
//! Without `backtrace` a report names the task and the location where it was spawned; with it, the
//! line that blocks as well.

use std::error::Error;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, Stall, StallWatch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The shortest planted stall is 1.5 times the threshold, from which on no stall is missed.
const THRESHOLD: Duration = Duration::from_millis(33);
const CLIENTS: usize = 32;
const MESSAGE: usize = 64;

/// Requests with this first byte block their worker.
const PLANTED: [(u8, &str); 3] = [
    (b'a', "50 ms of sleep"),
    (b'b', "200 ms of computing"),
    (b'c', "a wait without an end"),
];

/// When each planted stall really began.
type Truth = Arc<Mutex<Vec<(&'static str, Instant)>>>;

struct Server {
    truth: Truth,
    /// The third stall waits for this.
    never: Mutex<mpsc::Receiver<()>>,
}

impl Server {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut message = [0; MESSAGE];
        while stream.read_exact(&mut message).await.is_ok() {
            self.handle(message[0]);
            stream.write_all(&message).await?;
        }
        Ok(())
    }

    fn handle(&self, kind: u8) {
        if let Some((_, name)) = PLANTED.iter().find(|(planted, _)| *planted == kind) {
            self.truth
                .lock()
                .expect("held shortly")
                .push((name, Instant::now()));
        }
        match kind {
            b'a' => sleep_in_the_loop(),
            b'b' => compute_in_the_loop(),
            b'c' => self.wait_in_the_loop(),
            _ => {}
        }
    }

    #[inline(never)]
    fn wait_in_the_loop(&self) {
        let never = self.never.lock().expect("one waits");
        // planted: until the other end is dropped
        let _ = never.recv();
    }
}

#[inline(never)]
fn sleep_in_the_loop() {
    thread::sleep(Duration::from_millis(50)); // planted
    // Prevents a tail call, which would remove this function from the backtrace.
    std::hint::black_box(());
}

#[inline(never)]
fn compute_in_the_loop() {
    let until = Instant::now() + Duration::from_millis(200);
    while Instant::now() < until {
        std::hint::spin_loop(); // planted
    }
}

/// Sends messages and reads them back until the given time. Returns how many.
async fn client(address: std::net::SocketAddr, until: Instant) -> io::Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    let (mut message, mut count) = ([0; MESSAGE], 0);
    while Instant::now() < until {
        stream.write_all(&[b'.'; MESSAGE]).await?;
        stream.read_exact(&mut message).await?;
        count += 1;
    }
    Ok(count)
}

/// One message that plants a stall.
async fn plant(address: std::net::SocketAddr, kind: u8) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&[kind; MESSAGE]).await?;
    stream.read_exact(&mut [0; MESSAGE]).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let truth = Truth::default();
    let heard = Arc::new(Mutex::new(Vec::<(Instant, Stall)>::new()));
    let reports = Arc::clone(&heard);
    let builder = StallWatch::builder(THRESHOLD).on_stall(move |stall| {
        let at = Instant::now();
        println!("{stall}");
        reports
            .lock()
            .expect("held shortly")
            .push((at, stall.clone()));
    });
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    let builder = builder.backtraces();
    let watch = Arc::new(builder.build()?);

    let runtime = watch
        .configure(&mut tokio::runtime::Builder::new_multi_thread())
        .worker_threads(4)
        .thread_name("server")
        .enable_all()
        .build()?;
    let _watched = watch.runtime(runtime.handle().clone());
    // The clients have a runtime of their own, so that only the server is blocked.
    let clients = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;

    let (end, never) = mpsc::channel();
    let server = Arc::new(Server {
        truth: Arc::clone(&truth),
        never: Mutex::new(never),
    });
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let spawner = Arc::clone(&watch);
    runtime.spawn(watch.named("accept").wrap(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::clone(&server);
            tokio::spawn(spawner.wrap(async move { server.serve(stream).await }));
        }
    }));

    let begin = Instant::now();
    let until = begin + Duration::from_secs(2);
    let messages = clients.block_on(async move {
        let mut busy = JoinSet::new();
        for _ in 0..CLIENTS {
            busy.spawn(client(address, until));
        }
        for (kind, _) in PLANTED {
            sleep(Duration::from_millis(300)).await;
            // Not awaited: the last one does not return.
            tokio::spawn(plant(address, kind));
        }
        sleep(until.saturating_duration_since(Instant::now())).await;
        // Ends the endless stall.
        drop(end);
        busy.join_all().await.into_iter().sum::<io::Result<u64>>()
    })?;
    let elapsed = begin.elapsed();
    // So that the ends are reported as well.
    thread::sleep(4 * THRESHOLD);

    println!(
        "\n{messages} messages in {elapsed:.1?}; a report is due within {:.0?}",
        2 * THRESHOLD
    );
    let heard = heard.lock().expect("held shortly");
    for (name, began) in truth.lock().expect("held shortly").iter() {
        let report = heard.iter().find(|(at, stall)| {
            // The reported beginning.
            let since = at.checked_sub(stall.lasted).unwrap_or(*at);
            let apart = since.max(*began) - since.min(*began);
            stall.phase == Phase::Began && apart < THRESHOLD
        });
        match report {
            Some((at, _)) => println!("{name}: reported after {:.1?}", at.duration_since(*began)),
            None => println!("{name}: MISSED"),
        }
    }
    let times = watch.stats().poll_times;
    println!("polls: {times:.1?}");
    runtime.shutdown_background();
    Ok(())
}
