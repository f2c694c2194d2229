//! The protocols between threads under the model checker loom: every order of their steps, up to a bound.
//!
//! The very files of the crate are compiled here, on loom's primitives in place of the standard library's. Run it with
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p thread-pool --test model_check`.
#![cfg(model_check)]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the protocols are compiled whole, and a part of each is used"
)]

#[path = "../src/ledger.rs"]
mod ledger;
#[path = "../src/listeners.rs"]
mod listeners;
#[path = "../src/map_state/mod.rs"]
mod map_state;
#[path = "model_check/maps.rs"]
mod maps;
#[path = "../src/panic.rs"]
mod panic;
#[path = "../src/search.rs"]
mod search;
#[path = "model_check/shared.rs"]
mod shared;
#[path = "../src/sleep.rs"]
mod sleep;
#[path = "model_check/sync.rs"]
mod sync;
#[path = "../src/task/mod.rs"]
mod task;
#[path = "model_check/tasks.rs"]
mod tasks;
#[path = "model_check/workers.rs"]
mod workers;

use panic::TaskPanic;
use std::sync::PoisonError;

/// Stands in for the crate's, which knows of things that are no part of these protocols.
#[derive(Debug)]
enum JobError {
    Panicked(TaskPanic),
    Cancelled,
    WouldDeadlock,
}

fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks every order in which at most so many threads are interrupted where they need not be.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}
