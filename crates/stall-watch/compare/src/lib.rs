//! `stall-watch` as a contestant: a watched task each on a watched tokio runtime.
//!
//! Beside `tokio-tasks`, which does the same unwatched, it shows what watching costs, and with
//! tasks that block, how many stalls are caught.

mod io;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use effective_stall_watch::{RuntimeWatch, StallWatch};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use workload::inputs::Inputs;
use workload::job;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::Failure;

use io::TokioIo;

/// Short, so that the blocking in the workloads shows.
const THRESHOLD: Duration = Duration::from_millis(5);

/// The limit of tasks in flight if each takes a descriptor: the origin server's backlog.
const MOST_DESCRIPTORS: usize = 4096;

/// The model `stall-watch`.
#[derive(Debug, Clone, Copy)]
pub struct StallWatchModel;

/// A watched runtime, and how it is used.
pub struct Ready {
    // Before the watch and the runtime, so that it is dropped first.
    _watched: RuntimeWatch,
    watch: StallWatch,
    runtime: Runtime,
    limit: Arc<Semaphore>,
    blocking: bool,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}

impl Model for StallWatchModel {
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
            ignores_workers: false,
        };
        Description {
            name: "stall-watch",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "A watched task each on a watched multi-thread tokio runtime.",
                    Concurrency::Tasks,
                ),
                variant(
                    "blocking-in-loop",
                    "The mistake that Item 63 warns of, watched: the tasks block the runtime's workers.",
                    Concurrency::Workers,
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "it watches servers and is none: its example `echo_server` shows a watched one"
                .to_owned(),
        ))
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let pooled = job::blocks(true);
        let watch = StallWatch::new(THRESHOLD).map_err(Failure::new)?;
        let runtime = watch
            .configure(&mut Builder::new_multi_thread())
            .worker_threads(if pooled && variant != "blocking-in-loop" {
                workers.min(cores())
            } else {
                workers
            })
            .enable_all()
            .build()
            .map_err(Failure::new)?;
        let descriptors =
            inputs.header.actions.iter().any(|action| {
                matches!(action.as_str(), "fetch" | "read" | "tail" | "exec" | "job")
            });
        Ok(Ready {
            _watched: watch.runtime(runtime.handle().clone()),
            watch,
            runtime,
            // Each task of a job is a call on the pool, which then has that many threads.
            limit: Arc::new(Semaphore::new(if pooled {
                workers
            } else if descriptors {
                MOST_DESCRIPTORS
            } else {
                Semaphore::MAX_PERMITS
            })),
            blocking: variant == "blocking-in-loop",
        })
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
        let before = ready.watch.stats().stalls;
        let (limit, blocking) = (&ready.limit, ready.blocking);
        let outputs = ready.runtime.block_on(async {
            // Only in the trace: how late the timers of the loop are. Not wrapped, as it is no task
            // of the workload.
            let pulse = batch.pulse();
            if let Some(pulse) = &pulse {
                tokio::spawn(pulse.beat(TokioIo));
            }
            let mut tasks = Vec::with_capacity(batch.len());
            for index in 0..batch.len() {
                let (batch, limit) = (Arc::clone(batch), Arc::clone(limit));
                tasks.push(tokio::spawn(ready.watch.wrap(async move {
                    // The semaphore is never closed.
                    let _permit = limit.acquire().await;
                    if blocking {
                        batch.run(index)
                    } else {
                        batch.run_async(index, &TokioIo).await
                    }
                })));
            }
            let mut outputs = Vec::with_capacity(tasks.len());
            for task in tasks {
                outputs.push(task.await.unwrap_or_else(|error| Err(Failure::new(error))));
            }
            if let Some(pulse) = pulse {
                pulse.stop();
            }
            outputs
        });
        let caught = ready.watch.stats().stalls - before;
        batch.metric("stalls_caught", caught as f64);
        outputs
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
