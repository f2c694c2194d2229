//! The jobs of one scope: those that may still be pending, and those whose handles were dropped.

use std::mem;
use std::time::Instant;

use crate::error::JobError;
use crate::handle::Handle;
use crate::sync::{Mutex, lock};
use crate::task::{Progress, TaskRef};

/// The length at which a list is first cleared of ended jobs. It is cleared again each time it has
/// doubled, so that a long scope does not grow without bound.
const FIRST_CLEARING: usize = 64;

#[derive(Default)]
pub(super) struct Jobs {
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    jobs: Vec<TaskRef>,
    clear_jobs_at: usize,
    detached: Vec<Handle<()>>,
    clear_detached_at: usize,
    /// The first error of a job whose handle was dropped.
    first_error: Option<JobError>,
}

impl Jobs {
    pub(super) fn add(&self, job: TaskRef) {
        let mut ended = Vec::new();
        let mut lists = lock(&self.lists);
        if lists.jobs.len() >= lists.clear_jobs_at.max(FIRST_CLEARING) {
            let open;
            (ended, open) = mem::take(&mut lists.jobs)
                .into_iter()
                .partition(|job| matches!(job.progress(), Progress::Finished));
            lists.jobs = open;
            lists.clear_jobs_at = 2 * lists.jobs.len();
        }
        lists.jobs.push(job);
        drop(lists);
        // Dropped outside the lock, since the last reference drops the job's panic payload.
        drop(ended);
    }

    /// The jobs that have not ended.
    pub(super) fn open(&self) -> Vec<TaskRef> {
        let lists = lock(&self.lists);
        let open = |job: &&TaskRef| !matches!(job.progress(), Progress::Finished);
        lists.jobs.iter().filter(open).cloned().collect()
    }

    /// Keeps the handle of a detached job.
    pub(super) fn detach(&self, handle: Handle<()>) {
        let clear = {
            let mut lists = lock(&self.lists);
            lists.detached.push(handle);
            lists.detached.len() >= lists.clear_detached_at.max(FIRST_CLEARING)
        };
        if clear {
            self.clear_detached(Some(Instant::now()));
        }
    }

    /// The first error of a detached job, once all jobs of the scope have ended.
    pub(super) fn first_error(&self) -> Option<JobError> {
        self.clear_detached(None);
        lock(&self.lists).first_error.take()
    }

    /// Takes the results that arrive before `deadline`.
    fn clear_detached(&self, deadline: Option<Instant>) {
        let detached = mem::take(&mut lock(&self.lists).detached);
        let mut open = Vec::new();
        let mut first_error = None;
        for mut handle in detached {
            match handle.wait_until(deadline) {
                None => open.push(handle),
                // Cancelled on purpose, through its handle.
                Some(Ok(()) | Err(JobError::Cancelled)) => {}
                Some(Err(error)) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        let mut lists = lock(&self.lists);
        lists.detached.append(&mut open);
        lists.clear_detached_at = 2 * lists.detached.len();
        if lists.first_error.is_none() {
            lists.first_error = first_error.take();
        }
        drop(lists);
        drop(first_error);
    }
}
