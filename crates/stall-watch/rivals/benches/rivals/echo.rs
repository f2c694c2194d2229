//! An echo server on one thread, with clients on another.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use effective_stall_watch::{RuntimeWatch, StallWatch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use workload_rivals::timed;

const CONNECTIONS: u64 = 16;
const MESSAGE: usize = 64;
const THRESHOLD: Duration = Duration::from_millis(100);

/// How a server is watched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Bare,
    /// Not watched, but with the `event_interval` that a watched runtime has.
    BareShortInterval,
    Wrapped,
    WrappedAndRuntime,
}

pub(crate) struct Echo {
    /// The exact name of its threads.
    name: String,
    _watched: Option<RuntimeWatch>,
    watch: Option<Arc<StallWatch>>,
    _server: Runtime,
    clients: Runtime,
    streams: Vec<Arc<tokio::sync::Mutex<TcpStream>>>,
}

impl Echo {
    pub(crate) fn start(manner: Manner) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("echo {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let watch = matches!(manner, Manner::Wrapped | Manner::WrappedAndRuntime)
            .then(|| Arc::new(StallWatch::new(THRESHOLD).expect("a thread")));
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name(&name).enable_all();
        match (&watch, manner) {
            (Some(watch), Manner::WrappedAndRuntime) => {
                watch.configure(&mut builder);
            }
            (_, Manner::BareShortInterval) => {
                builder.event_interval(8);
            }
            _ => {}
        }
        let server = builder.build().expect("threads");
        let watched = match (&watch, manner) {
            (Some(watch), Manner::WrappedAndRuntime) => {
                Some(watch.runtime(server.handle().clone()))
            }
            _ => None,
        };
        let listener = server
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("it is bound");
        server.spawn(accept(listener, watch.clone()));
        let clients = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads");
        let streams = (0..CONNECTIONS)
            .map(|_| {
                let stream = clients.block_on(TcpStream::connect(address));
                Arc::new(tokio::sync::Mutex::new(stream.expect("a connection")))
            })
            .collect();
        Self {
            name,
            _watched: watched,
            watch,
            _server: server,
            clients,
            streams,
        }
    }

    /// The time of that many requests.
    pub(crate) fn time(&self, requests: u64) -> Duration {
        let each = requests / CONNECTIONS;
        timed(|| {
            self.clients.block_on(async {
                let clients: Vec<_> = self
                    .streams
                    .iter()
                    .map(|stream| tokio::spawn(client(Arc::clone(stream), each)))
                    .collect();
                for client in clients {
                    client.await.expect("no panic").expect("an echo");
                }
            });
        })
    }

    /// The CPU time that the server and its watchdog took for that many requests.
    pub(crate) fn cpu_time(&self, requests: u64) -> Duration {
        let before = self.used();
        self.time(requests);
        let used = self.used() - before;
        if let Some(watch) = &self.watch {
            watch.assert_none();
        }
        used
    }

    /// The CPU time of all threads of this server and of all watchdogs; those of idle servers doze.
    fn used(&self) -> Duration {
        let threads = fs::read_dir("/proc/self/task").expect("Linux");
        let used = threads.flatten().filter_map(|thread| {
            let name = fs::read_to_string(thread.path().join("comm")).ok()?;
            let watchdog = self.watch.is_some() && name.trim() == "stall-watch";
            if name.trim() != self.name && !watchdog {
                return None;
            }
            let times = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            times.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(used.sum())
    }
}

async fn accept(listener: TcpListener, watch: Option<Arc<StallWatch>>) {
    while let Ok((stream, _)) = listener.accept().await {
        match &watch {
            Some(watch) => drop(tokio::spawn(watch.wrap(serve(stream)))),
            None => drop(tokio::spawn(serve(stream))),
        }
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut message = [0; MESSAGE];
    loop {
        stream.read_exact(&mut message).await?;
        stream.write_all(&message).await?;
    }
}

async fn client(stream: Arc<tokio::sync::Mutex<TcpStream>>, requests: u64) -> io::Result<()> {
    let mut stream = stream.lock().await;
    let mut message = [1; MESSAGE];
    for _ in 0..requests {
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
    }
    Ok(())
}
