//! `tokio-tasks` as a model: one task of a tokio runtime per task of the workload.

mod io;
mod offload;
mod serving;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_tokio_tasks::Tasks;
use tokio::runtime::{Builder, Runtime};
use workload::inputs::Inputs;
use workload::job;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::Failure;

use io::TokioIo;

/// The limit of tasks in flight if each takes a descriptor: the backlog of the origin server.
const MOST_DESCRIPTORS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The number of threads that read files: tokio's own default.
const MOST_BLOCKING: usize = 512;

/// The model `tokio-tasks`.
#[derive(Debug, Clone, Copy)]
pub struct TokioTasksModel;

/// A runtime, and how its tasks run.
#[derive(Debug)]
pub struct Ready {
    runtime: Runtime,
    tasks: Tasks,
    mode: Mode,
}

/// How a task runs on the runtime.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// A future that awaits.
    Async,
    /// A future that blocks its worker.
    BlockingInLoop,
    /// A future that awaits a blocking function, which runs on the blocking pool of the runtime.
    Offloaded,
}

impl Model for TokioTasksModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        // A job without a future is blocking code, so the pool that it runs on decides.
        let pooled = job::blocks(true);
        let variant = |name: &str, about: &str, concurrency| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: if pooled {
                Concurrency::Workers
            } else {
                concurrency
            },
            ignores_workers: name == "current-thread" && !pooled,
        };
        Description {
            name: "tokio-tasks",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "A task each on the multi-thread runtime.",
                    Concurrency::Tasks,
                ),
                variant(
                    "current-thread",
                    "A task each on the current-thread runtime.",
                    Concurrency::Tasks,
                ),
                variant(
                    "blocking-in-loop",
                    "What Item 63 warns of: the tasks block the runtime's workers.",
                    Concurrency::Workers,
                ),
                variant(
                    "offloaded",
                    "What it advises: the tasks wait in the loop, and compute on a blocking pool as large as the runtime.",
                    Concurrency::Tasks,
                ),
            ],
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let mut builder = match variant {
            "current-thread" => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        let pooled = job::blocks(true);
        let runtime = builder
            .worker_threads(if pooled && variant != "blocking-in-loop" {
                workers.min(cores())
            } else {
                workers
            })
            .max_blocking_threads(match variant {
                // More threads than workers would not compute faster, and would compete with the
                // event loop.
                "offloaded" => workers,
                _ => MOST_BLOCKING,
            })
            .enable_all()
            .build()
            .map_err(Failure::new)?;
        let descriptors =
            inputs.header.actions.iter().any(|action| {
                matches!(action.as_str(), "fetch" | "read" | "tail" | "exec" | "job")
            });
        let tasks = if let Some(limit) = NonZeroUsize::new(workers).filter(|_| pooled) {
            // Each task is a call on the pool, which then has that many threads.
            Tasks::new().limit(limit)
        } else if descriptors {
            Tasks::new().limit(MOST_DESCRIPTORS)
        } else {
            Tasks::new()
        };
        Ok(Ready {
            runtime,
            tasks,
            mode: match variant {
                "blocking-in-loop" => Mode::BlockingInLoop,
                "offloaded" => Mode::Offloaded,
                _ => Mode::Async,
            },
        })
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    fn serve(
        &self,
        ready: &mut Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        ready
            .runtime
            .block_on(serving::serve(service, listener, ready.mode))
            .map_err(Failure::new)
    }

    fn calls(&self, variant: &str, _: &Batch) -> Option<String> {
        let what = match variant {
            "blocking-in-loop" => "`run`, in the event loop",
            _ if job::blocks(true) => "`run`, on its blocking pool",
            _ => "`run_async`",
        };
        Some(what.to_owned())
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let mode = ready.mode;
        let each = |index| {
            let batch = Arc::clone(batch);
            async move {
                match mode {
                    Mode::Async => batch.run_async(index, &TokioIo).await,
                    Mode::BlockingInLoop => batch.run(index),
                    Mode::Offloaded => batch.run_offloading(index, &TokioIo, &TokioIo).await,
                }
            }
        };
        // For the trace only. It is a task of the runtime, so it waits for the others as they do
        // for each other.
        let pulse = batch.pulse();
        if let Some(pulse) = &pulse {
            ready.runtime.spawn(pulse.beat(TokioIo));
        }
        let results = ready
            .runtime
            .block_on(ready.tasks.map(0..batch.len(), each));
        if let Some(pulse) = pulse {
            pulse.stop();
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|error| Err(Failure::new(error))))
            .collect()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
