//! [`Pool`], a rayon pool that joins its threads when dropped.

use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::process;
use std::thread::{self, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::cross_pool::{PoolId, Wait, cross, set_home, wait_for};
use crate::error::{BuildError, MAX_WORKERS};

/// A rayon pool whose drop joins its threads.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None` during the drop: rayon tells its workers to end, but does not wait for them.
    rayon: Option<ThreadPool>,
    id: PoolId,
    workers: Workers,
}

impl Pool {
    pub(crate) fn new(workers: NonZeroUsize) -> Result<Self, BuildError> {
        let wanted = workers.get();
        if wanted > MAX_WORKERS {
            return Err(BuildError::TooManyWorkers(wanted));
        }
        let mut workers = Workers {
            threads: Vec::with_capacity(wanted),
            process: process::id(),
        };
        let mut refused = None;
        let id = PoolId::next();
        let built = ThreadPoolBuilder::new()
            .num_threads(wanted)
            .spawn_handler(|worker| {
                let builder =
                    thread::Builder::new().name(format!("data-parallel-{}", worker.index()));
                let run = move || {
                    set_home(id);
                    worker.run();
                };
                match builder.spawn(run) {
                    Ok(handle) => {
                        workers.threads.push(handle);
                        Ok(())
                    }
                    Err(error) => {
                        // rayon does not give the error back, so it gets only the kind.
                        let kind = error.kind();
                        refused = Some(error);
                        Err(kind.into())
                    }
                }
            })
            .build();
        match built {
            Ok(rayon) => Ok(Self {
                rayon: Some(rayon),
                id,
                workers,
            }),
            Err(error) => Err(BuildError::Refused(
                refused.unwrap_or_else(|| io::Error::other(error)),
            )),
        }
    }

    /// Runs `work` where rayon's parallel iterators use this pool.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let rayon = self.rayon();
        let on_a_worker = rayon::current_thread_index().is_some();
        if on_a_worker && rayon.current_thread_index().is_none() {
            cross(rayon, self.id, work)
        } else {
            rayon.install(work)
        }
    }

    pub(crate) fn rayon(&self) -> &ThreadPool {
        self.rayon.as_ref().expect("only its drop takes it")
    }

    /// See [`wait_for`].
    pub(crate) fn wait(&self) -> Option<Wait> {
        wait_for(self.id)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.workers.process != process::id() {
            // A forked child has no workers, and a lock that one of them held stays locked.
            mem::forget(self.rayon.take());
            mem::forget(mem::take(&mut self.workers.threads));
        }
        drop(self.rayon.take());
    }
}

/// The threads of a pool, joined when dropped.
#[derive(Debug)]
struct Workers {
    threads: Vec<JoinHandle<()>>,
    /// The id of the process that started them.
    process: u32,
}

impl Drop for Workers {
    fn drop(&mut self) {
        let here = thread::current().id();
        if self
            .threads
            .iter()
            .any(|worker| worker.thread().id() == here)
        {
            // A worker cannot join itself, and another worker may run a job that waits for it. All
            // workers end as soon as their jobs have.
            return;
        }
        for worker in self.threads.drain(..) {
            // A worker of rayon never panics: it catches the panics of jobs.
            let _ = worker.join();
        }
    }
}
