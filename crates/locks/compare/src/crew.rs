//! The threads of a sample.

use std::thread;

/// How many threads there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crew(usize);

impl Crew {
    pub(crate) fn of(workers: usize) -> Crew {
        Crew(workers.max(1))
    }

    /// Runs `work` on each thread, as many as there are tasks at most, and returns what each made.
    pub(crate) fn work<R: Send>(self, tasks: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.0.min(tasks)).map(|_| scope.spawn(&work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("panics of tasks are contained"))
                .collect()
        })
    }
}
