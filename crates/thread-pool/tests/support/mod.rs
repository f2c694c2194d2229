//! Helpers of several tests.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod bomb;
pub(crate) mod errors;
mod gate;
pub(crate) mod proc;
pub(crate) mod random;
mod waiting;

#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub(crate) use {
    gate::Gate,
    waiting::{cpu_time, eventually, threads_named, within_deadline},
};

use std::sync::mpsc;

/// Occupies a worker with a job that has started and waits at the gate. The pool must have a free
/// worker.
pub(crate) fn occupy(
    pool: &effective_thread_pool::ThreadPool,
) -> (Gate, effective_thread_pool::Handle<()>) {
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
