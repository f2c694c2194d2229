//! A small origin server on threads, for checks of a few requests; the comparison starts a better
//! one. It can also send wrong answers on purpose.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use workload::task::{self, Fetch, Growth, Log};
use workload::value::bytes;

/// The server. Dropping it stops it.
pub(super) struct Origin {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// The bytes sent of never-ending bodies.
    sent: Arc<AtomicU64>,
}

impl Origin {
    pub(super) fn start() -> Origin {
        Origin::serving(answer)
    }

    /// Starts a server whose bodies never end, and that names `victim` as its log.
    pub(super) fn start_lying(victim: &Path) -> Origin {
        let victim = victim.to_owned();
        Origin::serving(move |stream, sent| lie(stream, &victim, sent))
    }

    /// Stops the server, and returns how many bytes of never-ending bodies it could send.
    pub(super) fn stop(mut self) -> u64 {
        self.join();
        self.sent.load(Ordering::SeqCst)
    }

    fn serving(
        answer: impl Fn(TcpStream, &AtomicU64) -> io::Result<()> + Send + Sync + 'static,
    ) -> Origin {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for stream in listener.incoming().flatten() {
                    if seen.load(Ordering::SeqCst) {
                        return;
                    }
                    // A failure ends only this connection.
                    scope.spawn(|| drop(answer(stream, &counted)));
                }
            });
        });
        Origin {
            address,
            stopped,
            thread: Some(thread),
            sent,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.join();
    }
}

impl Origin {
    fn join(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads the head of a request and returns its target.
fn target(stream: &TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).ok_or(io::ErrorKind::InvalidData)?;
    Ok(target.to_owned())
}

fn lie(mut stream: TcpStream, victim: &Path, sent: &AtomicU64) -> io::Result<()> {
    if Log::from_target(&target(&stream)?).is_some() {
        return stream.write_all(task::answer(victim)?.as_bytes());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
    loop {
        stream.write_all(&[b'x'; 64 * 1024])?;
        sent.fetch_add(64 * 1024, Ordering::SeqCst);
    }
}

fn answer(stream: TcpStream, _: &AtomicU64) -> io::Result<()> {
    let target = target(&stream)?;
    if let Some(log) = Log::from_target(&target) {
        return write_log(log, stream);
    }
    let fetch = Fetch::from_target(&target).ok_or(io::ErrorKind::InvalidData)?;
    thread::sleep(Duration::from_nanos(fetch.delay_ns));
    let body = bytes(
        fetch.seed,
        usize::try_from(fetch.bytes).map_err(|_| io::ErrorKind::FileTooLarge)?,
    );
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

fn write_log(log: Log, mut stream: TcpStream) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "conformance-log-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    let mut growth = Growth::begin(log, &path)?;
    stream.write_all(task::answer(&path)?.as_bytes())?;
    drop(stream);
    while let Some(pause) = growth.grow()? {
        thread::sleep(pause);
    }
    Ok(())
}
