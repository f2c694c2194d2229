//! Prices within tokio: a task, a call of its blocking pool, and one of our offload.
//!
//! All of them are paid by a task of the runtime, as in a program that is async throughout.

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_bridge::Offload;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, spawn_blocking};

use crate::priced::{Priced, failed, task};
use crate::reading::{self, Reading};

/// A runtime with that many workers, and as many threads for blocking code.
pub(crate) fn runtime(workers: NonZeroUsize) -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(workers.get())
        .max_blocking_threads(workers.get())
        .enable_time()
        .build()
        .map_err(failed)
}

/// The three ways to have a task done.
#[derive(Clone)]
pub(crate) enum Way {
    Spawn,
    SpawnBlocking,
    Offload(Offload),
}

impl Way {
    /// Our offload with that many threads.
    pub(crate) fn offload(threads: NonZeroUsize) -> Result<Way, String> {
        let offload = Offload::builder()
            .min_threads(threads.get())
            .max_threads(threads.get())
            .max_pending(1 << 20)
            .build();
        Ok(Way::Offload(offload.map_err(failed)?))
    }

    async fn jobs(self, tasks: usize, iterations: u64) -> Result<(), String> {
        match self {
            Way::Spawn => {
                let mut set = JoinSet::new();
                for _ in 0..tasks {
                    set.spawn(async move { task(iterations) });
                }
                all(set).await
            }
            Way::SpawnBlocking => {
                let handles = (0..tasks).map(|_| spawn_blocking(move || task(iterations)));
                for handle in handles.collect::<Vec<_>>() {
                    handle.await.map_err(failed)?;
                }
                Ok(())
            }
            Way::Offload(offload) => {
                let runs = (0..tasks).map(|_| {
                    let job = offload.try_run(move || task(iterations));
                    job.map_err(|refused| format!("refused: {:?}", refused.refusal()))
                });
                for run in runs.collect::<Result<Vec<_>, String>>()? {
                    run.await.map_err(failed)?;
                }
                Ok(())
            }
        }
    }
}

async fn all<T: 'static>(mut set: JoinSet<T>) -> Result<(), String> {
    while let Some(done) = set.join_next().await {
        done.map_err(failed)?;
    }
    Ok(())
}

/// One of the ways, on a runtime of its own.
pub(crate) struct InRuntime {
    runtime: Runtime,
    way: Way,
}

impl InRuntime {
    pub(crate) fn new(workers: NonZeroUsize, way: Way) -> Result<InRuntime, String> {
        let runtime = runtime(workers)?;
        Ok(InRuntime { runtime, way })
    }

    fn read(&self, tasks: usize, iterations: u64, pause: Duration) -> Result<Reading, String> {
        let way = self.way.clone();
        let measuring = self.runtime.spawn(async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let mut outcome = Ok(());
            let reading = reading::of_future(async {
                outcome = way.jobs(tasks, iterations).await;
            });
            let reading = reading.await;
            outcome.map(|()| reading)
        });
        self.runtime.block_on(measuring).map_err(failed)?
    }
}

impl Priced for InRuntime {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        self.read(tasks, iterations, Duration::ZERO)
    }

    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        self.read(1, 0, pause)
    }
}
