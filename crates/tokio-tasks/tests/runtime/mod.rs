//! The crate and the runtime under test.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of this"
)]

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

pub(crate) use effective_tokio_tasks as tasks;
pub(crate) use tokio::task::yield_now;
pub(crate) use tokio::time::sleep;

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

pub(crate) fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

/// Runs the test on one thread, then on two.
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    current_thread().block_on(test());
    multi_thread().block_on(test());
}

/// Runs a future in a task of its own, so it has to be `Send`.
pub(crate) fn spawned<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> {
    let task = tokio::spawn(future);
    async { task.await.unwrap() }
}
