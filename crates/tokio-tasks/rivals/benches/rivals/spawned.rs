//! The same work in several ways: all tasks at once, every result read.

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;

use crate::{Each, SLEEP};

async fn task(n: u64, each: Each) -> u64 {
    match each {
        Each::YieldsOnce => tokio::task::yield_now().await,
        Each::Sleeps => tokio::time::sleep(SLEEP).await,
    }
    n
}

pub(crate) async fn map(tasks: u64, each: Each) -> u64 {
    let results = effective_tokio_tasks::map(0..tasks, |n| task(n, each)).await;
    results
        .into_iter()
        .map(|result| result.expect("no panic"))
        .sum()
}

pub(crate) async fn map_local(tasks: u64, each: Each) -> u64 {
    let results = effective_tokio_tasks::map_local(0..tasks, |n| task(n, each)).await;
    results
        .into_iter()
        .map(|result| result.expect("no panic"))
        .sum()
}

pub(crate) async fn as_completed(tasks: u64, each: Each) -> u64 {
    let mut results = effective_tokio_tasks::as_completed(0..tasks, |n| task(n, each));
    let mut sum = 0;
    while let Some((_, result)) = results.next().await {
        sum += result.expect("no panic");
    }
    sum
}

pub(crate) async fn join_set(tasks: u64, each: Each) -> u64 {
    let mut set: JoinSet<u64> = (0..tasks).map(|n| task(n, each)).collect();
    let mut sum = 0;
    while let Some(result) = set.join_next().await {
        sum += result.expect("no panic");
    }
    sum
}

pub(crate) async fn handles(tasks: u64, each: Each) -> u64 {
    let handles: Vec<_> = (0..tasks).map(|n| tokio::spawn(task(n, each))).collect();
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("no panic");
    }
    sum
}

pub(crate) async fn futures_unordered(tasks: u64, each: Each) -> u64 {
    let running: FuturesUnordered<_> = (0..tasks).map(|n| task(n, each)).collect();
    running.fold(0, |sum, n| async move { sum + n }).await
}
