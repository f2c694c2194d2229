//! The protocols of this crate under loom, which runs every interleaving up to a number of
//! preemptions.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p effective-bridge --test model_check`,
//! with a `CARGO_TARGET_DIR` of its own. The library is then built on loom's primitives
//! (`src/sync.rs`), so the code that ships is what is checked.
#![cfg(model_check)]

#[path = "model_check/calls.rs"]
mod calls;
#[path = "model_check/dispatch.rs"]
mod dispatch;
#[path = "model_check/oneshot.rs"]
mod oneshot;

use std::sync::PoisonError;

/// Checks every interleaving with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Runs both at once, on two threads that the model's first thread joins. Neither may run on the
/// first thread: there a late unpark ends loom's `join` early.
fn at_once(one: impl FnOnce() + Send + 'static, other: impl FnOnce() + Send + 'static) {
    let threads = [loom::thread::spawn(one), loom::thread::spawn(other)];
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A waker that wakes a thread, with a condition variable: loom can lose the token of `park` when
/// the thread that has it comes to a locked mutex.
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

    fn lock(&self) -> loom::sync::MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        let mut rung = self.lock();
        while !std::mem::take(&mut *rung) {
            rung = self.changed.wait(rung).unwrap();
        }
    }
}

impl std::task::Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        *self.lock() = true;
        self.changed.notify_one();
    }
}
