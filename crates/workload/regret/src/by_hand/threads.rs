//! Scoped threads of the standard library.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Run;
use crate::job::Real;

/// As many threads as there are workers, each of which claims one task after another.
pub(super) fn shares(job: &Real, workers: usize) -> Run {
    let (tasks, call) = (job.tasks, job.call.clone());
    Box::new(move || {
        let next = AtomicUsize::new(0);
        let claim = || {
            let mut mine = Vec::new();
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return mine;
                }
                mine.push((task, call(task)));
            }
        };
        let mut outputs = vec![0; tasks];
        thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(claim)).collect();
            for thread in threads {
                for (task, output) in thread.join().expect("a task panicked") {
                    outputs[task] = output;
                }
            }
        });
        outputs
    })
}

/// A thread for each task, at most `workers` at a time.
pub(super) fn per_task(job: &Real, workers: usize) -> Run {
    let (tasks, call) = (job.tasks, job.call.clone());
    Box::new(move || {
        let mut outputs = Vec::with_capacity(tasks);
        let all: Vec<usize> = (0..tasks).collect();
        for some in all.chunks(workers) {
            thread::scope(|scope| {
                let call = &call;
                let threads: Vec<_> = some
                    .iter()
                    .map(|&task| scope.spawn(move || call(task)))
                    .collect();
                outputs.extend(
                    threads
                        .into_iter()
                        .map(|thread| thread.join().expect("a task panicked")),
                );
            });
        }
        outputs
    })
}
