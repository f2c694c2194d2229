//! The protocols between threads under the model checker loom: every order of their steps, up to a bound.
//!
//! The very files of the crate are compiled here, on loom's primitives in place of the standard library's. Run it with
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p bridge --test model_check`.
#![cfg(model_check)]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the protocols are compiled whole, and a part of each is used"
)]

#[path = "model_check/calls.rs"]
mod calls;
#[path = "../src/portal/core.rs"]
mod core;
#[path = "../src/offload/dispatch.rs"]
mod dispatch;
#[path = "../src/offload/lane.rs"]
mod lane;
#[path = "../src/listener.rs"]
mod listener;
#[path = "../src/outcome.rs"]
mod outcome;
#[path = "model_check/outcomes.rs"]
mod outcomes;
#[path = "../src/panic.rs"]
mod panic;
#[path = "../src/offload/state.rs"]
mod state;
#[path = "model_check/sync.rs"]
mod sync;
#[path = "model_check/threads.rs"]
mod threads;

/// Stands in for the crate's, which knows of things that are no part of these protocols.
#[derive(Debug)]
enum CallError {
    Cancelled,
}

/// Checks every order in which at most so many threads are interrupted where they need not be.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Runs both at once. Neither is on the model's first thread, which joins them: loom takes an unpark that comes late for a
/// reason to leave a `join`, and then never comes back to it.
fn at_once(one: impl FnOnce() + Send + 'static, other: impl FnOnce() + Send + 'static) {
    let threads = [loom::thread::spawn(one), loom::thread::spawn(other)];
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A waker that wakes a thread. With a condition variable: a token for `park` can get lost in loom, when the thread that has
/// it comes to a mutex that is locked.
struct Bell {
    rung: loom::sync::Mutex<bool>,
    changed: loom::sync::Condvar,
}

impl Bell {
    fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self {
            rung: loom::sync::Mutex::new(false),
            changed: loom::sync::Condvar::new(),
        })
    }

    fn wait(&self) {
        let mut rung = sync::lock(&self.rung);
        while !std::mem::take(&mut *rung) {
            rung = self.changed.wait(rung).unwrap();
        }
    }
}

impl std::task::Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        *sync::lock(&self.rung) = true;
        self.changed.notify_one();
    }
}
