//! Which worker blocks on a job that runs on which other worker: a ring of them would never end.
//!
//! A worker blocks on one job at a time, so the graph has one edge out of each worker, and following the edges from a
//! new one finds every ring that it closes. The edges are only written when a worker really blocks.

use std::sync::{Arc, Mutex};

use crate::lock;
use crate::task::{Job, Progress};

/// Waiting here would never end.
#[derive(Debug)]
pub(crate) struct Deadlock;

struct Edge {
    runner: usize,
    /// An edge outlives its job for the moment in which the waiter has not run yet: it holds only while the job runs.
    job: Arc<dyn Job>,
}

pub(crate) struct Waits {
    edges: Mutex<Box<[Option<Edge>]>>,
}

/// A worker about to block; the edge goes with it.
pub(crate) struct Blocked<'a> {
    waits: &'a Waits,
    worker: usize,
}

impl Waits {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            edges: Mutex::new((0..workers).map(|_| None).collect()),
        }
    }

    /// Notes that `worker` is about to block on `job`, if that still runs. An error when that would close a ring.
    pub(crate) fn block(
        &self,
        worker: usize,
        job: &Arc<dyn Job>,
    ) -> Result<Option<Blocked<'_>>, Deadlock> {
        // No task's lock is held by who comes here, so that looking at other tasks under this lock is safe.
        let mut edges = lock(&self.edges);
        // Looked at under the lock: a job that runs now ran when its runner wrote the edge that is followed next. One
        // that had run a moment ago might lead to an edge that the runner wrote for another job since.
        let Progress::Running(runner) = job.progress() else {
            return Ok(None);
        };
        let mut at = runner;
        while at != worker {
            match &edges[at] {
                Some(edge) if matches!(edge.job.progress(), Progress::Running(_)) => {
                    at = edge.runner;
                }
                _ => {
                    edges[worker] = Some(Edge {
                        runner,
                        job: Arc::clone(job),
                    });
                    return Ok(Some(Blocked {
                        waits: self,
                        worker,
                    }));
                }
            }
        }
        Err(Deadlock)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let edge = lock(&self.waits.edges)[self.worker].take();
        // Outside the lock. The handle that waits holds the job as well, so this is never the last reference.
        drop(edge);
    }
}
