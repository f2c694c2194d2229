//! Which worker blocks on jobs that run on which other workers: a ring of them would never end.
//!
//! A worker that blocks goes on when *any* of its jobs ends; who waits for all of several waits again for the rest. So a
//! worker is stuck only if no way along the edges leads to a worker that is not blocked, and looking at what a new edge
//! leads to finds every ring that it closes. The edges are only written when a worker really blocks.

use crate::lock;
use crate::sync::Mutex;
use crate::task::{JobRef, Progress};

/// Waiting here would never end.
#[derive(Debug)]
pub(crate) struct Deadlock;

struct Edge {
    runner: usize,
    /// An edge outlives its job for the moment in which the waiter has not run yet: it holds only while the job runs.
    job: JobRef,
}

pub(crate) struct Waits {
    /// For each worker what it is blocked on; empty while it is not.
    edges: Mutex<Box<[Vec<Edge>]>>,
}

/// A worker about to block; the edges go with it.
pub(crate) struct Blocked<'a> {
    waits: &'a Waits,
    worker: usize,
}

impl Waits {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            edges: Mutex::new((0..workers).map(|_| Vec::new()).collect()),
        }
    }

    /// Notes that `worker` is about to block until one of `jobs` ends, if all of them still run. An error when that
    /// would never be.
    pub(crate) fn block(
        &self,
        worker: usize,
        jobs: &[JobRef],
    ) -> Result<Option<Blocked<'_>>, Deadlock> {
        // No task's lock is held by who comes here, so that looking at other tasks under this lock is safe.
        let mut edges = lock(&self.edges);
        // Looked at under the lock: a job that runs now ran when its runner wrote the edge that is followed next. One
        // that had run a moment ago might lead to an edge that the runner wrote for another job since.
        let mut ways = Vec::with_capacity(jobs.len());
        for job in jobs {
            let Progress::Running(runner) = job.progress() else {
                return Ok(None);
            };
            let job = job.clone();
            ways.push(Edge { runner, job });
        }
        let mut to_see: Vec<usize> = ways.iter().map(|edge| edge.runner).collect();
        let mut seen = vec![false; edges.len()];
        seen[worker] = true;
        while let Some(at) = to_see.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let blocked = edges[at]
                .iter()
                .all(|edge| matches!(edge.job.progress(), Progress::Running(_)));
            if edges[at].is_empty() || !blocked {
                edges[worker] = ways;
                return Ok(Some(Blocked {
                    waits: self,
                    worker,
                }));
            }
            to_see.extend(edges[at].iter().map(|edge| edge.runner));
        }
        Err(Deadlock)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let edges = std::mem::take(&mut lock(&self.waits.edges)[self.worker]);
        // Outside the lock. Who waits holds the jobs as well, so these are never the last references.
        drop(edges);
    }
}
