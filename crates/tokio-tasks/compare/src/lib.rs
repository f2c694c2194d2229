//! `tokio-tasks` as a contestant: a task each on a tokio runtime.

mod io;
mod serving;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_tokio_tasks::Tasks;
use tokio::runtime::{Builder, Runtime};
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::Failure;

use io::TokioIo;

/// Tasks under way at once where each takes a descriptor: as many as the origin server's backlog.
const MOST_DESCRIPTORS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Threads that read files at once: tokio's own bound.
const MOST_BLOCKING: usize = 512;

/// The model `tokio-tasks`.
#[derive(Debug, Clone, Copy)]
pub struct TokioTasksModel;

/// A runtime and how it is used.
#[derive(Debug)]
pub struct Ready {
    runtime: Runtime,
    tasks: Tasks,
    manner: Manner,
}

/// What a task is on the runtime.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// A future that awaits.
    Async,
    /// A future that blocks its worker.
    BlockingInLoop,
    /// A future that awaits a blocking function on the runtime's blocking pool.
    Offloaded,
}

impl Model for TokioTasksModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str, concurrency| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency,
            ignores_workers: name == "current-thread",
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
        let runtime = builder
            .worker_threads(workers)
            .max_blocking_threads(match variant {
                // What computes gains nothing from more threads than workers, and the loop would have to compete with them.
                "offloaded" => workers,
                _ => MOST_BLOCKING,
            })
            .enable_all()
            .build()
            .map_err(Failure::new)?;
        let descriptors = inputs
            .header
            .actions
            .iter()
            .any(|action| matches!(action.as_str(), "fetch" | "read" | "tail" | "exec"));
        let tasks = if descriptors {
            Tasks::new().limit(MOST_DESCRIPTORS)
        } else {
            Tasks::new()
        };
        Ok(Ready {
            runtime,
            tasks,
            manner: match variant {
                "blocking-in-loop" => Manner::BlockingInLoop,
                "offloaded" => Manner::Offloaded,
                _ => Manner::Async,
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
            .block_on(serving::serve(service, listener, ready.manner))
            .map_err(Failure::new)
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let manner = ready.manner;
        let each = |index| {
            let batch = Arc::clone(batch);
            async move {
                match manner {
                    Manner::Async => batch.run_async(index, &TokioIo).await,
                    Manner::BlockingInLoop => batch.run(index),
                    Manner::Offloaded => batch.run_offloading(index, &TokioIo, &TokioIo).await,
                }
            }
        };
        // In the trace only. A task of the runtime like all others, so that it waits for them as they do for each other.
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
