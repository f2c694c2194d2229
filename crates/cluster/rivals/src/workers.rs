//! Worker processes: this program, started again.

use std::env;
use std::process::{Child, Command, Stdio};

use effective_cluster::{job, register, worker};

use crate::raw;

/// The number of worker processes of each contender.
pub const WORKERS: usize = 2;

/// Jobs that a worker process of each contender has pulled, at most.
pub(crate) const PULLED: usize = 17;

const KIND: &str = "CLUSTER_RIVALS_WORKER";
const URL: &str = "CLUSTER_RIVALS_URL";

job! {
    /// Returns its input.
    pub fn echo(bytes: Vec<u8>) -> Vec<u8> { bytes }
}

/// Works, and does not return, if this process was started as a worker.
pub fn work_if_asked() {
    let (Ok(kind), Ok(url)) = (env::var(KIND), env::var(URL)) else {
        return;
    };
    match kind.as_str() {
        "cluster" => {
            let ended = worker(&register![echo])
                .server(url)
                .slots(1)
                .ahead(PULLED - 1)
                .run();
            std::process::exit(i32::from(ended.is_err()));
        }
        _ => raw::work(&url),
    }
}

/// Worker processes of one kind. They are killed when the value is dropped.
pub struct Workers(Vec<Child>);

impl Workers {
    /// Starts workers of `kind`: `cluster` or `raw`.
    ///
    /// # Panics
    /// If the system refuses a process.
    pub fn start(kind: &str, url: &str) -> Self {
        let start = |_| {
            Command::new(env::current_exe().expect("this program"))
                .env(KIND, kind)
                .env(URL, url)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("a worker starts")
        };
        Self((0..WORKERS).map(start).collect())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
