//! Faults that a pool must survive, with real processes. Each is repeated, and each must leave
//! descriptors, children, threads and shared memory as they were.

#![allow(
    clippy::zombie_processes,
    reason = "grandchildren are left behind on purpose"
)]

mod corruption;
mod crash;
mod helpers;
mod hostile;
mod jobs;
mod lifecycle;
mod limits;
mod races;
mod serialisation;
#[path = "../support/mod.rs"]
mod support;
