//! `coroutines` as a model: one future per task, all polled by the calling thread.

mod io;
mod runtime;
mod serving;
mod smol_local;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_coroutines::Tasks;
use workload::inputs::Inputs;
use workload::job;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::Failure;

use io::RuntimeIo;

/// The limit of tasks in flight if each takes a descriptor: the backlog of the origin server.
const MOST_DESCRIPTORS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The model `coroutines`.
#[derive(Debug, Clone, Copy)]
pub struct CoroutinesModel;

/// How the tasks run.
#[derive(Debug)]
pub struct Ready {
    how: How,
    limit: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Map,
    Smol,
    Blocking,
}

impl Model for CoroutinesModel {
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
            ignores_workers: !pooled(name),
        };
        Description {
            name: "coroutines",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "All futures in one `map`, on one thread without a runtime.",
                    Concurrency::Tasks,
                ),
                variant(
                    "smol",
                    "A task each on smol's `LocalExecutor`, on one thread.",
                    Concurrency::Tasks,
                ),
                variant(
                    "blocking-in-loop",
                    "What Item 63 warns of: each task blocks the one thread.",
                    Concurrency::One,
                ),
            ],
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let descriptors =
            inputs.header.actions.iter().any(|action| {
                matches!(action.as_str(), "fetch" | "read" | "tail" | "exec" | "job")
            });
        Ok(Ready {
            how: match variant {
                "smol" => How::Smol,
                "blocking-in-loop" => How::Blocking,
                _ => How::Map,
            },
            limit: if job::blocks(false) {
                NonZeroUsize::new(workers)
            } else {
                descriptors.then_some(MOST_DESCRIPTORS)
            },
        })
    }

    fn serves(&self, variant: &str) -> Result<(), Reason> {
        match variant {
            "smol" => Err(Reason(
                "the default variant is the server; smol's executor would run the same sessions"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn serve(
        &self,
        ready: &mut Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let blocking = ready.how == How::Blocking;
        smol::block_on(serving::serve(service, listener, blocking)).map_err(Failure::new)
    }

    fn calls(&self, variant: &str, _: &Batch) -> Option<String> {
        let place = match variant {
            "blocking-in-loop" => "in the event loop",
            _ => "on its blocking pool",
        };
        Some(format!("`run`, {place}"))
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        if ready.how == How::Smol {
            return smol_local::map(batch, ready.limit);
        }
        let blocking = ready.how == How::Blocking;
        let tasks = ready
            .limit
            .map_or(Tasks::new(), |limit| Tasks::new().limit(limit));
        // The futures borrow the batch: nothing is spawned.
        let outputs = tasks.map(0..batch.len(), async |index| {
            if blocking {
                batch.run(index)
            } else {
                batch.run_async(index, &RuntimeIo).await
            }
        });
        let outputs = match batch.pulse() {
            None => smol::block_on(outputs),
            // For the trace only, on the same thread.
            Some(pulse) => smol::block_on(pulse.beside(RuntimeIo, outputs)),
        };
        outputs
            .into_iter()
            .map(|result| result.unwrap_or_else(|error| Err(Failure::new(error))))
            .collect()
    }
}
