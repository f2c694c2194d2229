//! [`Fleet`]: as many workers as a fleet of machines has, in one process.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use effective_cluster::{RunningWorker, job, register, worker};

const WORKERS: &str = "CLUSTER_RIVALS_FLEET";
const URL: &str = "CLUSTER_RIVALS_FLEET_URL";
const ACK_WAIT: &str = "CLUSTER_RIVALS_FLEET_ACK_WAIT_MS";

job! {
    /// Sleeps as long as a job may take.
    pub fn nap(time: Duration) -> () { thread::sleep(time); }
}

/// A process with workers, each with a connection, a thread and a slot of its own. It is killed
/// when the value is dropped.
pub struct Fleet(Child);

impl Fleet {
    /// Starts `workers` workers, and waits until all have connected.
    ///
    /// # Panics
    /// If one cannot be started.
    pub fn start(url: &str, workers: usize, ack_wait: Duration) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(WORKERS, workers.to_string())
            .env(URL, url)
            .env(ACK_WAIT, ack_wait.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a fleet starts");
        let stdout = child.stdout.take().expect("it is a pipe");
        let fleet = Self(child);
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        assert!(read.is_ok() && line == "ready\n", "the fleet has ended");
        fleet
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Works, and does not return, if this process was started as a fleet.
pub fn fleet_if_asked() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let (Ok(url), Some(workers), Some(ack_wait)) =
        (env::var(URL), number(WORKERS), number(ACK_WAIT))
    else {
        return;
    };
    let start = || {
        let worker = worker(&register![nap]).server(url.as_str()).slots(1);
        let worker = worker.ack_wait(Duration::from_millis(ack_wait));
        worker.start().expect("the server")
    };
    // All at once: each waits for several answers of the server.
    let running: Vec<RunningWorker> = thread::scope(|scope| {
        let starting: Vec<_> = (0..workers).map(|_| scope.spawn(start)).collect();
        let started = starting.into_iter().map(ScopedJoinHandle::join);
        started.map(|worker| worker.expect("it starts")).collect()
    });
    let mut stdout = std::io::stdout();
    stdout.write_all(b"ready\n").expect("the bench lives");
    stdout.flush().expect("the bench lives");
    // Until the bench has ended.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(running);
    std::process::exit(0);
}
