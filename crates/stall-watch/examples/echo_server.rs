//! A watched echo server: busy clients, and three requests that block the event loop, each of which
//! is reported while it blocks: one sleeps, one computes, one waits without an end.
//!
//! It shows a watched runtime, named tasks inside wrapped ones, and reports through a callback.
//!
//! `cargo run --release -p effective-stall-watch --features tokio,backtrace --example echo_server
//! -- [SECONDS]`
//!
//! Clients send for 2 s unless the argument says otherwise. Without the feature `backtrace` a
//! report names the task and the location where it was made; with it, also the line that blocks.
//! The exit status is 1 if the server fails, 2 if the argument is wrong.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use effective_stall_watch::StallWatch;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The shortest planted stall is 1.5 times this, from which on no stall is missed.
const THRESHOLD: Duration = Duration::from_millis(33);

/// A request with this first byte blocks its worker.
const PLANTED: [(u8, &str); 3] = [
    (b's', "sleep"),
    (b'c', "computation"),
    (b'w', "endless wait"),
];

struct Server {
    watch: StallWatch,
    /// Ends the endless wait.
    reported: Mutex<mpsc::Receiver<()>>,
}

impl Server {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        let mut message = [0; 64];
        while stream.read_exact(&mut message).await.is_ok() {
            if let Some((kind, name)) = PLANTED.iter().find(|(kind, _)| *kind == message[0]) {
                let blocking = async { self.block(*kind) };
                self.watch.named(*name).wrap(blocking).await;
            }
            stream.write_all(&message).await?;
        }
        Ok(())
    }

    #[inline(never)]
    fn block(&self, kind: u8) {
        let until = Instant::now() + Duration::from_millis(200);
        match kind {
            b's' => std::thread::sleep(Duration::from_millis(50)), // planted
            b'c' => while Instant::now() < until {},               // planted
            _ => _ = self.reported.lock().map(|end| end.recv()),   // planted
        }
        std::hint::black_box(()); // no tail call, so that a backtrace has this function
    }
}

/// Sends messages and reads them back, until the given time but at least one. Returns how many.
async fn client(address: std::net::SocketAddr, kind: u8, until: Instant) -> io::Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    let (mut message, mut count) = ([0; 64], 0);
    while count == 0 || Instant::now() < until {
        stream.write_all(&[kind; 64]).await?;
        stream.read_exact(&mut message).await?;
        count += 1;
    }
    Ok(count)
}

fn watch(time: Duration) -> Result<(), Box<dyn Error>> {
    let (end, reported) = mpsc::channel();
    let builder = StallWatch::builder(THRESHOLD).on_stall(move |stall| {
        println!("{stall}");
        let task = stall.within.as_ref().and_then(|task| task.name.as_deref());
        if task == Some("endless wait") {
            let _ = end.send(());
        }
    });
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    let builder = builder.backtraces();
    let watch = builder.build()?;
    let runtime = watch
        .configure(Builder::new_multi_thread().worker_threads(4).enable_all())
        .build()?;
    let _watched = watch.runtime(runtime.handle().clone());
    let reported = Mutex::new(reported);
    let server = Arc::new(Server { watch, reported });
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let (address, accepting) = (listener.local_addr()?, Arc::clone(&server));
    runtime.spawn(server.watch.named("accept").wrap(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let session = Arc::clone(&accepting).serve(stream);
            tokio::spawn(accepting.watch.named("session").wrap(session));
        }
    }));

    // The clients have a runtime of their own, so that only the server is blocked.
    let clients = Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    let messages = clients.block_on(async {
        let mut all = JoinSet::new();
        for _ in 0..32 {
            all.spawn(client(address, b'.', begin + time));
        }
        for (kind, _) in PLANTED {
            sleep(time / 4).await;
            all.spawn(client(address, kind, begin));
        }
        all.join_all().await.into_iter().sum::<io::Result<u64>>()
    })?;
    let stats = server.watch.stats();
    let (stalls, polls) = (stats.stalls, stats.poll_times);
    println!("{messages} messages, {stalls} stalls; polls: {polls:.1?}");
    runtime.shutdown_background();
    Ok(())
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    let seconds = match arguments {
        [] => Some(2),
        [text] => text.to_str().and_then(|text| text.parse().ok()),
        _ => None,
    };
    let Some(seconds @ 1..=3_600) = seconds else {
        eprintln!("echo_server: {arguments:?} is not one number of seconds from 1 to 3600");
        return 2;
    };
    match watch(Duration::from_secs(seconds)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("echo_server: {error}");
            1
        }
    }
}

fn main() -> std::process::ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
