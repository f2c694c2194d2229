//! The rivals, each with one worker per core. They live as long as the program.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_executor::Executor;

pub(crate) fn workers() -> usize {
    num_cpus::get()
}

pub(crate) fn ours() -> effective_thread_pool::ThreadPool {
    effective_thread_pool::ThreadPool::new(workers()).expect("threads can be started")
}

pub(crate) fn rayon() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers())
        .build()
        .expect("threads can be started")
}

/// The blocking threads are limited as well, since otherwise each waiting job gets a thread.
pub(crate) fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .max_blocking_threads(workers())
        .build()
        .expect("threads can be started")
}

pub(crate) fn rusty() -> rusty_pool::ThreadPool {
    let pool = rusty_pool::ThreadPool::new(workers(), workers(), Duration::from_secs(3_600));
    pool.start_core_threads();
    pool
}

/// An executor run by threads that live as long as the program.
pub(crate) fn async_executor() -> Arc<Executor<'static>> {
    let executor = Arc::new(Executor::new());
    for _ in 0..workers() {
        let executor = Arc::clone(&executor);
        thread::spawn(move || {
            futures::executor::block_on(executor.run(futures::future::pending::<()>()));
        });
    }
    executor
}
