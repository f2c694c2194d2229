//! The environment of a pool: unprivileged users, PID namespaces, closed or missing descriptors,
//! stopped processes, hostile results.

#![allow(
    clippy::zombie_processes,
    reason = "grandchildren are left behind on purpose"
)]

mod descriptors;
mod fairness;
mod jobs;
mod leftovers;
mod lifetime;
mod limits;
mod privileges;
mod results;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod zombies;
