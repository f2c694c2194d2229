//! `async-std-tasks` as a model: one task of async-std per task of the workload.

mod io;
mod runtime;
mod serving;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_std::task::block_on;
use effective_async_std_tasks::Tasks;
use workload::inputs::Inputs;
use workload::job;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::Failure;

use io::RuntimeIo;

/// The limit of tasks in flight if each takes a descriptor: the backlog of the origin server.
const MOST_DESCRIPTORS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The model `async-std-tasks`.
#[derive(Debug, Clone, Copy)]
pub struct AsyncStdTasksModel;

/// How the tasks run on the runtime of the process.
#[derive(Debug)]
pub struct Ready {
    tasks: Tasks,
    blocking: bool,
}

impl Model for AsyncStdTasksModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        // A job is blocking code here, so the pool that it runs on decides.
        let pooled = |name: &str| job::blocks(false) && name != "blocking-in-loop";
        let variant = |name: &str, about: &str, concurrency| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: if pooled(name) {
                Concurrency::Workers
            } else {
                concurrency
            },
            // The number of threads is fixed when the runtime starts.
            ignores_workers: !pooled(name),
        };
        Description {
            name: "async-std-tasks",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant("", "A task each on async-std.", Concurrency::Tasks),
                variant(
                    "blocking-in-loop",
                    "What Item 63 warns of: the tasks block the runtime's threads.",
                    Concurrency::Limited(threads()),
                ),
            ],
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let descriptors =
            inputs.header.actions.iter().any(|action| {
                matches!(action.as_str(), "fetch" | "read" | "tail" | "exec" | "job")
            });
        let blocks = job::blocks(false) && variant != "blocking-in-loop";
        let tasks = if let Some(limit) = NonZeroUsize::new(workers).filter(|_| blocks) {
            // Each task is a call on the pool, which then has that many threads.
            Tasks::new().limit(limit)
        } else if descriptors {
            Tasks::new().limit(MOST_DESCRIPTORS)
        } else {
            Tasks::new()
        };
        // Starts the runtime, so that the first sample does not include that.
        block_on(async_std::task::spawn(async {}));
        Ok(Ready {
            tasks,
            blocking: variant == "blocking-in-loop",
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
        block_on(serving::serve(service, listener, ready.blocking)).map_err(Failure::new)
    }

    fn calls(&self, variant: &str, _: &Batch) -> Option<String> {
        let place = match variant {
            "blocking-in-loop" => "in the event loop",
            _ => "on its blocking pool",
        };
        Some(format!("`run`, {place}"))
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let blocking = ready.blocking;
        let each = |index| {
            let batch = Arc::clone(batch);
            async move {
                if blocking {
                    batch.run(index)
                } else {
                    batch.run_async(index, &RuntimeIo).await
                }
            }
        };
        // For the trace only. It is a task of the runtime, so it waits for the others as they do
        // for each other.
        let pulse = batch.pulse();
        if let Some(pulse) = &pulse {
            async_std::task::spawn(pulse.beat(RuntimeIo));
        }
        let results = block_on(ready.tasks.map(0..batch.len(), each));
        if let Some(pulse) = pulse {
            pulse.stop();
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|error| Err(Failure::new(error))))
            .collect()
    }
}

/// The number of threads of the runtime, by the rule of async-std.
fn threads() -> usize {
    std::env::var("ASYNC_STD_THREAD_COUNT")
        .ok()
        .and_then(|count| count.parse().ok())
        .filter(|count| *count > 0)
        .or_else(|| {
            std::thread::available_parallelism()
                .ok()
                .map(NonZeroUsize::get)
        })
        .unwrap_or(1)
}
