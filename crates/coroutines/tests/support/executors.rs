//! The executors that the tests run on.

use std::future::Future;

/// Runs the test on each executor.
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    futures::executor::block_on(test());
    smol::block_on(test());
    smol::block_on(smol::LocalExecutor::new().run(test()));
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(test());
}
