//! The crate and the runtime under test.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of this"
)]

use std::future::Future;

pub(crate) use async_std::task::{sleep, yield_now};
pub(crate) use effective_async_std_tasks as tasks;

/// Runs the test on the one runtime of the process.
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    async_std::task::block_on(test());
}

/// Runs a future in a task of its own, so it has to be `Send`.
pub(crate) fn spawned<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> {
    async_std::task::spawn(future)
}
