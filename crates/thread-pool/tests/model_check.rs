//! Models of the protocols between threads for the model checker loom: all interleavings up to a
//! bound.
//!
//! The whole crate is compiled here, from its own files, on loom's primitives in place of std's.
//! Two files are stand-ins: `model_check/sync.rs`, in which no time passes, and
//! `model_check/deque.rs`, the queues. Run them with `RUSTFLAGS="--cfg model_check" cargo test
//! --release -p effective-thread-pool --test model_check`.
#![cfg(model_check)]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "the crate is compiled whole, and a part of it is used"
)]

#[path = "../src/backlog.rs"]
mod backlog;
#[path = "../src/builder.rs"]
mod builder;
#[path = "../src/callback.rs"]
mod callback;
#[path = "../src/crew.rs"]
mod crew;
#[path = "model_check/deque.rs"]
mod deque;
#[path = "../src/ending.rs"]
mod ending;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/group/mod.rs"]
mod group;
#[path = "model_check/growth.rs"]
mod growth;
#[path = "../src/handle.rs"]
mod handle;
#[path = "../src/initializer.rs"]
mod initializer;
#[path = "../src/ledger.rs"]
mod ledger;
#[path = "../src/listeners.rs"]
mod listeners;
#[path = "../src/map.rs"]
mod map;
#[path = "../src/map_state/mod.rs"]
mod map_state;
#[path = "model_check/maps.rs"]
mod maps;
#[path = "../src/panic.rs"]
mod panic;
#[path = "../src/pool.rs"]
mod pool;
#[path = "../src/reports.rs"]
mod reports;
#[path = "../src/scope/mod.rs"]
mod scope;
#[path = "model_check/scopes.rs"]
mod scopes;
#[path = "../src/search.rs"]
mod search;
#[path = "../src/shared.rs"]
mod shared;
#[path = "../src/sleep.rs"]
mod sleep;
#[path = "../src/stream.rs"]
mod stream;
#[path = "../src/stream_state.rs"]
mod stream_state;
#[path = "../src/submit.rs"]
mod submit;
#[path = "model_check/sync.rs"]
mod sync;
#[path = "../src/task/mod.rs"]
mod task;
#[path = "model_check/tasks.rs"]
mod tasks;
#[path = "../src/waits.rs"]
mod waits;
#[path = "../src/worker.rs"]
mod worker;
#[path = "model_check/workers.rs"]
mod workers;

// As in `lib.rs`.
use builder::{BuildError, Builder};
use error::{JobError, Refusal, StillRunning, SubmitError, TimedOut};
use handle::Handle;
use initializer::InitializerError;
use map::{MapHandle, Mapping};
use panic::TaskPanic;
use pool::ThreadPool;
use std::sync::PoisonError;
use stream::MapStream;

fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks every interleaving with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}
