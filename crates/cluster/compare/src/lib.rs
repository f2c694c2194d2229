//! `cluster` as a contestant: worker processes on this machine, and a NATS server on its loopback
//! interface, which the runner starts and ends itself.
//!
//! The workers read the inputs from a file when they start, so a job is only the number of its
//! task. The rest is in a file that is read once by each worker: the locations of files and server,
//! and with the pattern `rounds` the values of the previous generation. Machines without a common
//! folder would take it from the server's object store.

mod context;
mod crew;
mod engine;
mod worker;

pub use engine::Engine;
pub use worker::{WORKER, work};

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use effective_cluster::{Cluster, JobError};
use tempfile::TempDir;
use workload::definition::Pattern;
use workload::inputs::{self, Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};
use workload::trace::{Elsewhere, clock_ns};

use context::{Context, Shelf};
use crew::Crew;
use engine::Server;
use worker::{Done, Setup, task};

/// The jobs that are outstanding at most, where each task is one.
const WINDOW: usize = 1_000;

/// The model `cluster`.
#[derive(Debug, Clone)]
pub struct ClusterModel {
    program: PathBuf,
    engine: Result<Engine, Failure>,
}

/// A server, and workers that have loaded the inputs. The fields are dropped in this order.
#[derive(Debug)]
pub struct Ready {
    cluster: Cluster,
    _crew: Crew,
    _server: Server,
    shelf: Shelf,
    /// The context that the workers know.
    context: Option<Context>,
    /// How often the context was written, so that a worker knows when to read again.
    version: u64,
    one_by_one: bool,
    _folder: TempDir,
}

impl ClusterModel {
    /// Creates a model whose workers run `program`, which calls [`work`] if its first argument is
    /// [`WORKER`]. Without an engine it says why at the first task.
    pub fn new(program: PathBuf, engine: Result<Engine, Failure>) -> Self {
        Self { program, engine }
    }
}

impl Ready {
    /// Passes on what differs from the previous batch: usually nothing.
    fn update(&mut self, batch: &Batch) -> Result<(), Failure> {
        let context = Context::of(batch);
        if self.context.as_ref() == Some(&context) && batch.snapshot().is_empty() {
            return Ok(());
        }
        self.version += 1;
        self.shelf
            .write(self.version, &context, batch.snapshot())
            .map_err(Failure::new)?;
        self.context = Some(context);
        Ok(())
    }

    /// Runs all tasks once.
    fn run_all(&self, count: usize) -> Vec<Result<Done, Failure>> {
        let orders = (0..count as u64).map(|index| (index, self.version));
        if !self.one_by_one {
            let results = self.cluster.map::<task>(orders);
            return results.into_iter().map(flatten).collect();
        }
        let mut outputs = Vec::with_capacity(count);
        let mut open = VecDeque::with_capacity(WINDOW);
        for order in orders {
            if open.len() == WINDOW {
                outputs.extend(open.pop_front().map(finish));
            }
            open.push_back(self.cluster.submit::<task>(order));
        }
        outputs.extend(open.into_iter().map(finish));
        outputs
    }
}

type Submitted =
    Result<effective_cluster::Handle<Result<Done, String>>, effective_cluster::SubmitError>;

fn finish(submitted: Submitted) -> Result<Done, Failure> {
    flatten(submitted.map_err(Failure::new)?.wait())
}

fn flatten(result: Result<Result<Done, String>, JobError>) -> Result<Done, Failure> {
    result.map_err(Failure::new)?.map_err(Failure::new)
}

/// Passes the workers' records on.
fn record(batch: &Batch, done: &[Result<Done, Failure>]) {
    let now_ns = clock_ns();
    let mut spans = Vec::new();
    for (index, done) in done.iter().enumerate() {
        if let Ok(Done {
            span: Some((start_ns, end_ns, worker)),
            ..
        }) = *done
        {
            batch.note_ago(index, Duration::from_nanos(now_ns.saturating_sub(end_ns)));
            spans.push(Elsewhere {
                worker: Some(worker),
                start_ns,
                end_ns,
            });
        }
    }
    batch.ran_elsewhere(spans);
}

impl Model for ClusterModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        Description {
            name: "cluster",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "A map over worker processes of a NATS server, in chunks of automatic size.",
                ),
                variant(
                    "one-by-one",
                    "A message for each task, with a handle; 1,000 outstanding.",
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "its jobs are calls with values; a connection belongs to the process that accepted it"
                .to_owned(),
        ))
    }

    /// A merge needs every line of every log in one place.
    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        match workload.pattern {
            Pattern::Merge => Err(Reason(
                "a worker returns one number per task, and a merge would need every line: waiting \
                 for files takes no machine, so follow them on threads or coroutines and merge \
                 where the lines are (Item 62)"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let engine = self.engine.as_ref().map_err(Clone::clone)?;
        let folder = engine.folder()?;
        let shelf = Shelf::new(folder.path());
        let file = File::create(shelf.inputs()).map_err(Failure::new)?;
        let mut file = BufWriter::new(file);
        inputs::write(inputs, &mut file).map_err(Failure::new)?;
        file.flush().map_err(Failure::new)?;
        let server = Server::start(engine)?;
        let setup = Setup {
            url: server.url().to_owned(),
            shelf: shelf.clone(),
        };
        let crew = Crew::start(&self.program, &setup, workers)?;
        let cluster = Cluster::connect(server.url()).map_err(Failure::new)?;
        // The first jobs find the way: no sample pays for that.
        let _ = cluster.map::<task>((0..workers).map(|_| (u64::MAX, 0)));
        Ok(Ready {
            cluster,
            _crew: crew,
            _server: server,
            shelf,
            context: None,
            version: 0,
            one_by_one: variant == "one-by-one",
            _folder: folder,
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        if let Err(failure) = ready.update(batch) {
            return vec![Err(failure); batch.len()];
        }
        let done = ready.run_all(batch.len());
        if batch.is_traced() {
            record(batch, &done);
        }
        let value = |done: Result<Done, Failure>| -> Output { done.map(|done| done.value) };
        done.into_iter().map(value).collect()
    }
}
