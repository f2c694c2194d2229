use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::process;
use std::thread::{self, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::ConfigError;
use crate::crossing::{PoolId, Wait, cross, set_home, wait_for};

/// The most workers of one pool. More threads than cores gain nothing here, and some four times as many would exhaust
/// the memory mappings of a Linux process, upon which a starting thread aborts it.
pub const MAX_WORKERS: usize = 4_096;

/// A rayon pool whose threads are gone when it is.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Gone while it is dropped: rayon tells its workers to end, but does not wait for them.
    rayon: Option<ThreadPool>,
    id: PoolId,
    workers: Workers,
}

impl Pool {
    pub(crate) fn new(workers: usize) -> Result<Self, ConfigError> {
        let wanted = NonZeroUsize::new(workers).ok_or(ConfigError::ZeroWorkers)?;
        if workers > MAX_WORKERS {
            return Err(ConfigError::TooManyWorkers(workers));
        }
        let mut workers = Workers {
            threads: Vec::with_capacity(wanted.get()),
            process: process::id(),
        };
        let mut refused = None;
        let id = PoolId::next();
        let built = ThreadPoolBuilder::new()
            .num_threads(wanted.get())
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
                        // rayon keeps the error to itself, so it gets one that only says as much.
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
            Err(error) => Err(ConfigError::Refused(
                refused.unwrap_or_else(|| io::Error::other(error)),
            )),
        }
    }

    /// Run `work` where rayon's parallel iterators use this pool.
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
            // A child that was forked: the workers are not here, and a lock that one of them held stays locked.
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
    /// The process that they belong to.
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
            // A worker cannot wait for itself, and waiting for the others could wait for what waits for it. All have
            // been told to end, and do as soon as their jobs have.
            return;
        }
        for worker in self.threads.drain(..) {
            // rayon's workers do not panic: a job that does is caught before it gets there.
            let _ = worker.join();
        }
    }
}
