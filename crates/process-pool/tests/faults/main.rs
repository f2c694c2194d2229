//! The faults that a pool has to survive, with real processes. Each is looped, and each must leave descriptors, children,
//! threads and shared memory as they were.

#![allow(
    clippy::zombie_processes,
    reason = "grandchildren are left behind on purpose"
)]

#[path = "../common/mod.rs"]
mod common;
mod corruption;
mod crash;
mod hostile;
mod jobs;
mod lifecycle;
mod limits;
mod races;
mod serialisation;
mod support;
