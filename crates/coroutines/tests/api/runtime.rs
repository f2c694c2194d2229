//! The crate and the executors under test.

#[path = "../support/executors.rs"]
mod executors;

use std::future::Future;
use std::time::Duration;

pub(crate) use effective_coroutines as tasks;
pub(crate) use executors::on_each;
pub(crate) use smol::future::yield_now;

pub(crate) async fn sleep(duration: Duration) {
    async_io::Timer::after(duration).await;
}

/// Runs a future on another thread, so it has to be `Send`.
pub(crate) fn spawned<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> {
    smol::unblock(|| smol::block_on(future))
}
