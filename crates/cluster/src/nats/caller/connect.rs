//! [`NatsEngine`]: the engine as the cluster sees it.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc as std_mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::{Notify, mpsc};

use super::command::Command;
use super::desk::Desk;
use crate::builder::Builder;
use crate::caller::engine::Engine;
use crate::caller::ledger::Ledger;
use crate::cluster::Cluster;
use crate::error::BuildError;
use crate::nats::connection::Connection;
use crate::nats::runtime;
use crate::nats::settings::Settings;
use crate::order::Order;
use crate::sync::lock;

/// The inputs of a chunk in one message, at most.
const MAX_CHUNK_BYTES: usize = 64 << 10;

/// The handle of the thread that talks to the server.
struct NatsEngine {
    commands: mpsc::UnboundedSender<Command>,
    stopped: Arc<Notify>,
    thread: Mutex<Option<JoinHandle<()>>>,
    max_input_bytes: usize,
    max_chunk_bytes: usize,
}

impl Cluster {
    /// Runs jobs on the workers that are connected to this NATS server, which needs JetStream.
    ///
    /// # Errors
    /// [`BuildError`], as from [`Builder::connect`].
    pub fn connect(server: impl Into<Connection>) -> Result<Self, BuildError> {
        Self::builder().connect(server)
    }
}

impl Builder {
    /// Runs jobs on the workers that are connected to this NATS server, which needs JetStream.
    ///
    /// # Errors
    /// [`BuildError`] if the settings cannot work, or if the server cannot be reached, refuses the
    /// credentials or has no JetStream.
    pub fn connect(self, server: impl Into<Connection>) -> Result<Cluster, BuildError> {
        let ledger = self.ledger()?;
        let engine = start(
            server.into(),
            self.nats.clone(),
            self.max_input_bytes,
            &ledger,
        )?;
        Ok(self.cluster(ledger, Box::new(engine)))
    }
}

fn start(
    connection: Connection,
    settings: Settings,
    max_input_bytes: usize,
    ledger: &Arc<Ledger>,
) -> Result<NatsEngine, BuildError> {
    let (commands, received) = mpsc::unbounded_channel();
    let (ready, is_ready) = std_mpsc::sync_channel(1);
    let ledger = Arc::clone(ledger);
    let again = commands.clone();
    let stopped = Arc::new(Notify::new());
    let is_stopped = Arc::clone(&stopped);
    let thread = runtime::start("cluster-caller", async move {
        match Desk::open(&connection, settings, ledger, again).await {
            Ok((desk, events)) => {
                let _ = ready.send(Ok(desk.max_message_bytes()));
                desk.run(received, events, &is_stopped).await;
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    })
    .map_err(BuildError::System)?;
    let max_message_bytes = match is_ready.recv() {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let _ = thread.join();
            return Err(error);
        }
        Err(_) => return Err(BuildError::System(io::ErrorKind::BrokenPipe.into())),
    };
    Ok(NatsEngine {
        commands,
        stopped,
        thread: Mutex::new(Some(thread)),
        max_input_bytes,
        max_chunk_bytes: MAX_CHUNK_BYTES.min(max_message_bytes / 2),
    })
}

impl Engine for NatsEngine {
    fn send(&self, id: u64, order: Arc<Order>) {
        // The thread receives until it is told to stop, which happens when no job is open.
        let _ = self.commands.send(Command::Send(id, order));
    }

    fn forget(&self, id: u64) {
        let _ = self.commands.send(Command::Forget(id));
    }

    fn max_input_bytes(&self) -> usize {
        self.max_input_bytes
    }

    fn max_chunk_bytes(&self) -> usize {
        self.max_chunk_bytes
    }

    /// Always waits: the thread runs no jobs, and withdraws those that are left.
    fn stop(&self, _: bool) {
        let _ = self.commands.send(Command::Stop);
        self.stopped.notify_one();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
