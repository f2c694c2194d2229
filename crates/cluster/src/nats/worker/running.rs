//! [`RunningWorker`]: a worker in the background.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::builder::Worker;
use super::service::Service;
use crate::builder::check_slots;
use crate::error::BuildError;
use crate::nats::runtime;
use crate::nats::settings::check_ack_wait;

/// The maximum number of jobs that are pulled ahead for each slot.
const MAX_AHEAD: usize = 16;

/// Why a worker ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerError {
    /// It could not be started.
    Build(BuildError),
    /// Jobs that exceeded their time limits hold more threads than the worker has slots. Start it
    /// again; a service manager does.
    Exhausted,
    /// The thread that talks to the server ended: a bug of this crate.
    Ended,
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Exhausted => f.write_str(
                "jobs beyond their time limits hold too many threads: start the worker again, and \
                 run such jobs in processes",
            ),
            Self::Ended => f.write_str("the thread that talks to the server ended unexpectedly"),
        }
    }
}

impl Error for WorkerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Build(error) => error.source(),
            _ => None,
        }
    }
}

impl Worker {
    /// Connects, and works until SIGTERM or SIGINT. Then it pulls no more jobs, gives back those it
    /// has not begun, and finishes the others. A second signal has its usual effect only in
    /// programs that install their own handler.
    ///
    /// # Errors
    /// [`WorkerError`] if it cannot be started, or cannot go on.
    pub fn run(self) -> Result<(), WorkerError> {
        self.spawn(true).map_err(WorkerError::Build)?.join()
    }

    /// Connects, and works on threads in the background. Installs no signal handler.
    ///
    /// # Errors
    /// [`BuildError`] if the settings cannot work, the server cannot be reached, or the system
    /// refuses a thread.
    pub fn start(self) -> Result<RunningWorker, BuildError> {
        self.spawn(false)
    }

    fn spawn(self, handles_signals: bool) -> Result<RunningWorker, BuildError> {
        check_slots(self.slots)?;
        check_ack_wait(self.ack_wait)?;
        if self.jobs.names().next().is_none() {
            return Err(BuildError::NoJobs);
        }
        if self.ahead > MAX_AHEAD {
            let ahead = self.ahead;
            return Err(BuildError::Setting(format!(
                "{ahead} jobs ahead of each slot would be missing elsewhere: set at most {MAX_AHEAD}"
            )));
        }
        RunningWorker::spawn(self, handles_signals)
    }
}

/// A worker in the background. Created by [`Worker::start`]. Dropping it drains it, as
/// [`drain`](Self::drain) and [`join`](Self::join) do.
#[must_use = "dropping it ends the worker"]
pub struct RunningWorker {
    stop: watch::Sender<bool>,
    ended: std_mpsc::Receiver<Result<(), WorkerError>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningWorker {
    fn spawn(worker: Worker, handles_signals: bool) -> Result<Self, BuildError> {
        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = std_mpsc::sync_channel(1);
        let (end, ended) = std_mpsc::sync_channel(1);
        let thread = runtime::start("cluster-worker", async move {
            match Service::open(worker, handles_signals).await {
                Ok(service) => {
                    let _ = ready.send(Ok(()));
                    let _ = end.send(service.run(stopped).await);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        })
        .map_err(BuildError::System)?;
        match is_ready.recv() {
            Ok(Ok(())) => Ok(Self {
                stop,
                ended,
                thread: Some(thread),
            }),
            Ok(Err(error)) => {
                let _ = thread.join();
                Err(error)
            }
            Err(_) => Err(BuildError::System(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Pulls no more jobs, gives back those that are not begun, and finishes the others. Does not
    /// wait.
    pub fn drain(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the worker has ended, which takes a [`drain`](Self::drain).
    ///
    /// # Errors
    /// [`WorkerError`] if it could not go on.
    pub fn join(mut self) -> Result<(), WorkerError> {
        let result = self.ended.recv().unwrap_or(Err(WorkerError::Ended));
        self.finish();
        result
    }

    fn finish(&mut self) {
        self.drain();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for RunningWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningWorker").finish_non_exhaustive()
    }
}
