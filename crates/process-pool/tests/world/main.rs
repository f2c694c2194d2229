//! What the world around a pool does to it: users without privileges, PID namespaces, closed or missing descriptors,
//! stopped processes, hostile results.

#![allow(
    clippy::zombie_processes,
    reason = "grandchildren are left behind on purpose"
)]

#[path = "../common/mod.rs"]
mod common;
mod descriptors;
mod fairness;
mod jobs;
mod leftovers;
mod lifetime;
mod limits;
mod privileges;
mod results;
mod signals;
mod zombies;
