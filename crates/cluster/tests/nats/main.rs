//! The engine on NATS, against real servers. Without one the tests say that they were skipped.

mod basics;
mod callers;
mod deaths;
mod failures;
mod hostile;
mod keys;
mod objects;
mod restarts;
mod security;
mod support;
mod unclaimed;

/// The program of the worker processes. As a test it does nothing.
#[test]
fn worker_process() {
    support::jobs::work_if_asked();
}
