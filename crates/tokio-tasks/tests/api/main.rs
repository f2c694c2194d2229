//! The API, the same on each runtime: only this import differs between the crates.

use effective_tokio_tasks as tasks;

mod completed;
mod contained;
mod dropped;
mod errors;
mod fairness;
mod first;
mod group;
mod map;
mod map_local;
mod retry;
#[path = "../runtime/mod.rs"]
mod runtime;
mod stream;
mod support;
mod timeout;
