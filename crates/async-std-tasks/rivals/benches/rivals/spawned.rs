//! The same work in several ways: all tasks at once, every result read.

use futures::stream::{FuturesUnordered, StreamExt};

use crate::{Each, SLEEP};

async fn task(n: u64, each: Each) -> u64 {
    match each {
        Each::YieldsOnce => async_std::task::yield_now().await,
        Each::Sleeps => async_std::task::sleep(SLEEP).await,
    }
    n
}

pub(crate) async fn map(tasks: u64, each: Each) -> u64 {
    let results = effective_async_std_tasks::map(0..tasks, |n| task(n, each)).await;
    results
        .into_iter()
        .map(|result| result.expect("no panic"))
        .sum()
}

pub(crate) async fn map_local(tasks: u64, each: Each) -> u64 {
    let results = effective_async_std_tasks::map_local(0..tasks, |n| task(n, each)).await;
    results
        .into_iter()
        .map(|result| result.expect("no panic"))
        .sum()
}

pub(crate) async fn as_completed(tasks: u64, each: Each) -> u64 {
    let mut results = effective_async_std_tasks::as_completed(0..tasks, |n| task(n, each));
    let mut sum = 0;
    while let Some((_, result)) = results.next().await {
        sum += result.expect("no panic");
    }
    sum
}

pub(crate) async fn handles(tasks: u64, each: Each) -> u64 {
    let handles: Vec<_> = (0..tasks)
        .map(|n| async_std::task::spawn(task(n, each)))
        .collect();
    let mut sum = 0;
    for handle in handles {
        sum += handle.await;
    }
    sum
}

pub(crate) async fn futures_unordered(tasks: u64, each: Each) -> u64 {
    let running: FuturesUnordered<_> = (0..tasks).map(|n| task(n, each)).collect();
    running.fold(0, |sum, n| async move { sum + n }).await
}
