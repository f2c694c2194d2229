//! A service that is half ported to async code: it stores the lines that clients send. Its sessions
//! are coroutines already; its storage, a file that is synchronised after each line, and its
//! console are still threads and blocking calls. Sessions call the storage through an `Offload`, so
//! no disk blocks the event loop; the console calls a coroutine through a `Portal`.
//!
//! `cargo run -p effective-bridge --example half_ported -- [FILE [ADDRESS]]`
//!
//! Each line, over TCP or on standard input, is answered with its number in the file; the end of
//! standard input ends the service. Without a file it stores a few lines in a temporary one. The
//! exit status is 1 if something fails, 2 if the arguments are wrong.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use effective_bridge::{Offload, Portal};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// The most that a session may send, in bytes: a line without an end cannot fill the memory.
const SESSION_MAX: u64 = 1 << 20;
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The old half, which blocks: a file and the number of its lines.
struct Store(File, usize);

impl Store {
    fn open(mut file: File) -> io::Result<Self> {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let lines = text.split_inclusive(|byte| *byte == b'\n').count();
        // After a crash in the middle of a line.
        if text.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")?;
        }
        Ok(Self(file, lines))
    }

    /// Adds a line with its end. Returns its number once the disk has it.
    fn add(&mut self, line: &str) -> io::Result<usize> {
        let length = self.0.metadata()?.len();
        let written = self.0.write_all(line.as_bytes());
        let synced = written.and_then(|()| self.0.sync_data());
        // On a full disk no part of the line may stay before the next.
        synced.or_else(|error| self.0.set_len(length).and(Err(error)))?;
        self.1 += 1;
        Ok(self.1)
    }
}

/// The new half: coroutines.
#[derive(Clone)]
struct Service {
    offload: Offload,
    store: Arc<Mutex<Store>>,
}

impl Service {
    async fn answer(self, line: String) -> Result<String, Failure> {
        let add = move || self.store.lock().expect("no panic under it").add(&line);
        Ok(match self.offload.run(add).await? {
            Ok(number) => format!("line {number}"),
            Err(error) => format!("not stored: {error}"),
        })
    }

    async fn session(self, mut stream: TcpStream) -> Result<(), Failure> {
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::new(reader.take(SESSION_MAX));
        let mut line = String::new();
        // A line that the limit or the connection has cut off is neither stored nor answered.
        while reader.read_line(&mut line).await? > 0 && line.ends_with('\n') {
            let answer = self.clone().answer(std::mem::take(&mut line)).await?;
            writer.write_all(format!("{answer}\n").as_bytes()).await?;
        }
        Ok(())
    }
}

fn settings(arguments: &[OsString]) -> Result<(File, SocketAddr), String> {
    let mut options = File::options();
    let mut open = |name| options.create(true).read(true).append(true).open(name);
    let (file, address) = match arguments {
        [] => (tempfile::tempfile(), "127.0.0.1:0".into()),
        [name] => (open(name), "127.0.0.1:0".into()),
        [name, address] => (open(name), address.to_string_lossy()),
        [_, _, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
    };
    let file = file.map_err(|error| format!("cannot open the file: {error}"))?;
    let refuse = |_| format!("{address:?} is not like 127.0.0.1:7000");
    Ok((file, address.parse().map_err(refuse)?))
}

fn work(file: File, address: SocketAddr, input: impl BufRead) -> Result<(), Failure> {
    let service = Service {
        offload: Offload::builder().name_prefix("disk").build()?,
        store: Arc::new(Mutex::new(Store::open(file)?)),
    };
    let runtime = Builder::new_multi_thread().enable_io().build()?;
    let handle = runtime.handle().clone();
    let portal = Portal::new(move |coroutine| drop(handle.spawn(coroutine)));
    let listener = runtime.block_on(TcpListener::bind(address))?;
    println!("serving at {}", listener.local_addr()?);
    let served = service.clone();
    runtime.spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(served.clone().session(stream))),
                // As without free descriptors: sleep, then try again.
                Err(_) => drop(served.offload.run(|| thread::sleep(SHORT)).await),
            }
        }
    });
    for line in input.lines() {
        let (service, line) = (service.clone(), line? + "\n");
        let mut call = portal.call(move || service.answer(line));
        println!("{}", call.wait_timeout(LONG)??);
    }
    // Ends the sessions, then waits for the lines that the storage has accepted.
    runtime.shutdown_background();
    Ok(service.offload.shutdown_timeout(LONG)?)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    let input: Box<dyn BufRead> = match arguments {
        [] => Box::new(&b"the first\nthe second\nthe third\n"[..]),
        _ => Box::new(io::stdin().lock()),
    };
    let (status, problem) = match settings(arguments).map(|(file, at)| work(file, at, input)) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => (1, error.to_string()),
        Err(problem) => (2, format!("{problem}; usage: half_ported [FILE [ADDRESS]]")),
    };
    eprintln!("half_ported: {problem}");
    status
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
