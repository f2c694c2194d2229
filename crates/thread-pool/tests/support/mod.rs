//! Helpers of several tests.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod bomb;
pub(crate) mod errors;
mod gate;
mod gauge;
pub(crate) mod proc;
pub(crate) mod random;
mod waiting;

#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub(crate) use {
    gate::Gate,
    gauge::Gauge,
    waiting::{cpu_time, eventually, soak_time, threads_named, within, within_deadline},
};

use std::sync::{Arc, Barrier, mpsc};

use effective_thread_pool::{Handle, JobError, ThreadPool};

/// Occupies a worker with a job that has started and waits at the gate. The pool must have a free
/// worker.
pub(crate) fn occupy(pool: &ThreadPool) -> (Gate, Handle<()>) {
    let gate = Gate::new();
    let inside = gate.clone();
    let (started, has_started) = mpsc::channel();
    let handle = pool
        .submit(move || {
            started.send(()).expect("the test waits");
            inside.pass();
        })
        .expect("open");
    has_started.recv().expect("the job starts");
    (gate, handle)
}

/// A pool of one worker that runs jobs inline at most `depth` deep.
pub(crate) fn pool_of_depth(depth: usize) -> Arc<ThreadPool> {
    let pool = ThreadPool::builder().workers(1).max_inline_depth(depth);
    Arc::new(pool.build().expect("the settings are valid"))
}

pub(crate) fn wait_for_all(handles: impl IntoIterator<Item = Handle<()>>) {
    for handle in handles {
        handle.wait().expect("no job fails");
    }
}

/// Runs `jobs` jobs that each wait until all of them run.
pub(crate) fn meet(pool: &ThreadPool, jobs: usize) {
    let all = Arc::new(Barrier::new(jobs));
    let handles: Vec<_> = (0..jobs)
        .map(|_| {
            let all = Arc::clone(&all);
            let job = move || {
                all.wait();
            };
            pool.submit(job).expect("open")
        })
        .collect();
    wait_for_all(handles);
}

pub(crate) fn all_cancelled<T>(results: &[Result<T, JobError>]) -> bool {
    let mut results = results.iter();
    results.all(|result| matches!(result, Err(JobError::Cancelled)))
}
