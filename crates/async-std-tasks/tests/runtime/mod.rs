//! What the tests ask of the runtime.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::future::Future;

pub(crate) use async_std::task::{sleep, yield_now};

/// Runs the test on the one runtime of the process; there is no other.
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    async_std::task::block_on(test());
}

/// Runs a future that is handed to the runtime, as a request would be: it has to be `Send`.
pub(crate) fn spawned<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> {
    async_std::task::spawn(future)
}
