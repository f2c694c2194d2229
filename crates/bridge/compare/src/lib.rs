//! `bridge` as a contestant: coroutines that call blocking code, and threads that call coroutines.

mod io;
mod merge;
mod portal;
mod tokio_io;

use std::sync::Arc;
use std::thread;

use effective_bridge::Offload;
use futures::executor::block_on;
use tokio::runtime::{Builder, Runtime};
use workload::inputs::Inputs;
use workload::job;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

use io::LoopIo;
use merge::Crossing;
use portal::Loop;

/// The limit of jobs that run at once: the default of an offload, repeated here to be reported.
const THREADS: usize = 64;

/// The model `bridge`.
#[derive(Debug, Clone, Copy)]
pub struct BridgeModel;

/// The state that the samples of one variant share.
#[derive(Debug)]
pub enum Ready {
    /// Coroutines on a tokio loop call blocking code.
    Tokio(Arc<Runtime>, Offload),
    /// Coroutines on async-std call blocking code.
    AsyncStd(Offload),
    /// Threads call coroutines.
    Portal(Loop, usize),
}

impl Model for BridgeModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        // The offload runs a job with as many threads as are asked for.
        let limit = if job::about().is_some() {
            Concurrency::Workers
        } else {
            Concurrency::Limited(THREADS)
        };
        let variant = |name: &str, about: &str, concurrency| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency,
            ignores_workers: concurrency != Concurrency::Workers,
        };
        Description {
            name: "bridge",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "A coroutine per task on one tokio loop, which runs the task's blocking form on an offload.",
                    limit,
                ),
                variant("async-std", "The same on async-std.", limit),
                variant(
                    "portal",
                    "Worker threads that call a coroutine per task on one tokio loop and wait for it.",
                    Concurrency::Workers,
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "it connects a server's coroutines to blocking code, and is not a server itself: see the workload `mixed`"
                .to_owned(),
        ))
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let threads = match job::about() {
            Some(_) => workers.max(1),
            None => THREADS,
        };
        let offload = Offload::builder().max_threads(threads);
        let offload = offload.build().map_err(Failure::new)?;
        Ok(match variant {
            "async-std" => Ready::AsyncStd(offload),
            "portal" => Ready::Portal(Loop::start(offload)?, workers.max(1)),
            _ => {
                let runtime = Builder::new_current_thread().enable_all().build();
                Ready::Tokio(Arc::new(runtime.map_err(Failure::new)?), offload)
            }
        })
    }

    fn calls(&self, variant: &str, _: &Batch) -> Option<String> {
        let what = match variant {
            "portal" if !job::blocks(true) => "`run_async`",
            _ => "`run`, on its offload",
        };
        Some(what.to_owned())
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        match ready {
            Ready::Tokio(runtime, offload) => {
                let pulse = batch.pulse();
                if let Some(pulse) = &pulse {
                    let offload = offload.clone();
                    runtime.spawn(pulse.beat(LoopIo { offload }));
                }
                let tasks: Vec<_> = (0..batch.len())
                    .map(|index| runtime.spawn(offloaded(offload, batch, index)))
                    .collect();
                let outputs = runtime.block_on(async {
                    let mut outputs = Vec::with_capacity(tasks.len());
                    for task in tasks {
                        outputs.push(task.await.unwrap_or_else(|error| Err(Failure::new(error))));
                    }
                    outputs
                });
                if let Some(pulse) = pulse {
                    pulse.stop();
                }
                outputs
            }
            Ready::AsyncStd(offload) => {
                let tasks: Vec<_> = (0..batch.len())
                    .map(|index| async_std::task::spawn(offloaded(offload, batch, index)))
                    .collect();
                async_std::task::block_on(async {
                    let mut outputs = Vec::with_capacity(tasks.len());
                    for task in tasks {
                        outputs.push(task.await);
                    }
                    outputs
                })
            }
            Ready::Portal(own, workers) => own.map(batch, *workers),
        }
    }

    /// Item 62 in both directions: threads follow the logs and a coroutine merges them; with the
    /// portal, coroutines follow them and a thread merges.
    fn merge(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let (crossing, pieces) = merge::crossing();
        let crossing = Arc::new(crossing);
        let feeding = Arc::new(batch.feeding(Arc::<Crossing>::clone(&crossing)));
        let merged = pieces.merged(batch.len());
        let (mut outputs, merged) = match ready {
            Ready::Tokio(runtime, _) => {
                let runtime = Arc::clone(runtime);
                let merged = runtime.spawn(merged);
                let outputs = self.map(ready, &feeding);
                crossing.close();
                let merged = runtime.block_on(merged);
                (
                    outputs,
                    merged.unwrap_or_else(|error| Err(Failure::new(error))),
                )
            }
            Ready::AsyncStd(_) => {
                let merged = async_std::task::spawn(merged);
                let outputs = self.map(ready, &feeding);
                crossing.close();
                (outputs, async_std::task::block_on(merged))
            }
            Ready::Portal(..) => thread::scope(|threads| {
                let merging = threads.spawn(|| block_on(merged));
                let outputs = self.map(ready, &feeding);
                crossing.close();
                let merged = merging.join();
                (
                    outputs,
                    merged.unwrap_or_else(|_| Err(Failure::new("the merge panicked"))),
                )
            }),
        };
        outputs.push(merged);
        outputs
    }
}

/// The coroutine of one task.
fn offloaded(
    offload: &Offload,
    batch: &Arc<Batch>,
    index: usize,
) -> impl Future<Output = Output> + Send + 'static {
    let batch = Arc::clone(batch);
    let call = offload.run(move || batch.run(index));
    async { call.await.unwrap_or_else(|error| Err(Failure::new(error))) }
}
