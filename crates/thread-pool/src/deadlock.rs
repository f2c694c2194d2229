//! The wait-for graph between workers, in which a cycle is a deadlock.
//!
//! A blocked worker resumes when *any* of its jobs ends; to wait for all of several jobs, it waits
//! again for the rest. So a worker is stuck only if no path along the edges leads to a worker that
//! is not blocked. Each new edge is checked for the cycles it closes. Edges are written only when a
//! worker really blocks.

use crate::sync::{Mutex, lock};
use crate::task::{Progress, TaskRef};

/// The wait would never end.
#[derive(Debug)]
pub(crate) struct Deadlock;

struct Edge {
    runner: usize,
    /// The edge holds only while this job runs: it outlives the job until the waiter has woken.
    job: TaskRef,
}

pub(crate) struct WaitGraph {
    /// The jobs on which each worker is blocked; empty while it is not.
    edges: Mutex<Box<[Vec<Edge>]>>,
}

/// A blocked worker; dropping it removes its edges.
pub(crate) struct Blocked<'a> {
    waits: &'a WaitGraph,
    worker: usize,
}

impl WaitGraph {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            edges: Mutex::new((0..workers).map(|_| Vec::new()).collect()),
        }
    }

    /// Records that `worker` blocks until one of `jobs` ends, if all of them still run. Fails if
    /// that would never happen.
    pub(crate) fn block(
        &self,
        worker: usize,
        jobs: &[TaskRef],
    ) -> Result<Option<Blocked<'_>>, Deadlock> {
        // Callers hold no lock of a task, so it is safe to look at tasks under this lock.
        let mut edges = lock(&self.edges);
        // Checked under the lock: if a job runs now, the edges that its runner has written belong
        // to this job. Checked earlier, the runner could since have written edges for another job.
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
        // Dropped outside the lock. The waiter also holds the jobs, so these are never the last
        // references.
        drop(edges);
    }
}
