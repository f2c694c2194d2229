//! The worker threads of a sample.

use std::thread;

/// The number of worker threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers(usize);

impl Workers {
    pub(crate) fn new(workers: usize) -> Self {
        Self(workers.max(1))
    }

    /// Runs `work` on each worker, at most one per task, and returns all results.
    pub(crate) fn run<R: Send>(self, tasks: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.0.min(tasks)).map(|_| scope.spawn(&work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("panics of tasks are caught"))
                .collect()
        })
    }
}
