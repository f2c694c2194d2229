//! The worker process: its jobs, and how it starts and ends.

use std::error::Error;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use effective_cluster::{RunningWorker, job, register, worker};
use serde::{Deserialize, Serialize};
use workload::inputs::{self, Inputs};
use workload::task::run_blocking;
use workload::trace::clock_ns;

use crate::context::{Context, Shelf};

/// The argument that makes the program a worker.
pub const WORKER: &str = "--worker";

/// The line by which a worker says that it takes jobs.
pub(crate) const READY: &str = "ready\n";

/// Shorter than between machines, where messages get lost for longer.
const ACK_WAIT: Duration = Duration::from_secs(2);

/// The first line on a worker's standard input. Not among its arguments, since everyone can read
/// command lines, and the address has a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) url: String,
    pub(crate) shelf: Shelf,
}

/// A task that is done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) value: u64,
    /// In the untimed trace, when and where it ran: start and end by the clock that all processes
    /// share, and the id of the worker.
    pub(crate) span: Option<(u64, u64, u32)>,
}

/// The data of a worker.
struct Loaded {
    inputs: Inputs,
    shelf: Shelf,
    /// The version of the context; 0 for none.
    version: u64,
    context: Context,
    snapshot: Vec<u64>,
}

/// Used by one job at a time, since a worker has one slot.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

fn loaded() -> MutexGuard<'static, Option<Loaded>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

job! {
    /// Runs the task of this number, with this version of the context.
    pub(crate) fn task(index: u64, version: u64) -> Result<Done, String> {
        let mut loaded = loaded();
        let loaded = loaded.as_mut().ok_or("no inputs have been loaded")?;
        if version != loaded.version {
            (loaded.context, loaded.snapshot) =
                loaded.shelf.read(version).map_err(|error| error.to_string())?;
            loaded.version = version;
        }
        let tasks = &loaded.inputs.tasks;
        let task = usize::try_from(index).ok().and_then(|index| tasks.get(index));
        let task = task.ok_or("there is no such task")?;
        // Read only where it is recorded, so that a timed task has no part of this.
        let begin_ns = loaded.context.is_traced.then(clock_ns);
        let surroundings = &loaded.context.surroundings;
        let value = run_blocking(task, tasks.len(), &loaded.snapshot, surroundings);
        let value = value.map_err(|failure| failure.to_string())?;
        let span = begin_ns.map(|begin_ns| (begin_ns, clock_ns(), std::process::id()));
        Ok(Done { value, span })
    }
}

/// Works until standard input ends, which it does with the process that started this one.
pub fn work() -> ExitCode {
    match start() {
        // Without a farewell to the server, and without waiting for the job under way: the process
        // that wanted its result is gone.
        Ok(_running) => std::process::exit(0),
        Err(error) => {
            eprintln!("cluster: a worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<RunningWorker, Box<dyn Error>> {
    let mut stdin = io::stdin().lock();
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let Setup { url, shelf } = serde_json::from_str(&line)?;
    *loaded() = Some(Loaded {
        inputs: inputs::read(&shelf.inputs())?,
        shelf,
        version: 0,
        context: Context::default(),
        snapshot: Vec::new(),
    });
    let worker = worker(&register![task]).server(url).slots(1);
    let running = worker.ack_wait(ACK_WAIT).start()?;
    io::stdout().write_all(READY.as_bytes())?;
    io::stdout().flush()?;
    let _ = stdin.read_to_end(&mut Vec::new());
    Ok(running)
}
