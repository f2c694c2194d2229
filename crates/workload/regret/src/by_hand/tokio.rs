//! Tasks of tokio: futures where the job has one, and `spawn_blocking` behind a semaphore.

use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::Run;
use crate::job::Real;

/// All tasks at once, as futures.
pub(super) fn awaiting(job: &Real, one_thread: bool) -> io::Result<Run> {
    let call = job
        .call_async
        .clone()
        .ok_or_else(|| io::Error::other(format!("{} has no future", job.name)))?;
    let runtime = if one_thread {
        Builder::new_current_thread().enable_all().build()?
    } else {
        multi_thread(num_cpus::get())?
    };
    let count = job.tasks;
    Ok(Box::new(move || {
        let call = &call;
        runtime.block_on(async move {
            let tasks = (0..count).map(|task| tokio::spawn(call(task)));
            collect(tasks.collect()).await
        })
    }))
}

/// `workers` tasks at a time on the threads for blocking code.
pub(super) fn blocking(job: &Real, workers: usize) -> io::Result<Run> {
    let runtime = multi_thread(num_cpus::get())?;
    let permits = Arc::new(Semaphore::new(workers));
    let (count, call) = (job.tasks, job.call.clone());
    Ok(Box::new(move || {
        let (call, permits) = (&call, &permits);
        runtime.block_on(async move {
            let tasks = (0..count).map(|task| {
                let (call, permits) = (call.clone(), permits.clone());
                tokio::spawn(async move {
                    let permit = permits.acquire_owned().await;
                    let result = tokio::task::spawn_blocking(move || call(task)).await;
                    drop(permit);
                    result.expect("a task panicked")
                })
            });
            collect(tasks.collect()).await
        })
    }))
}

fn multi_thread(workers: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
}

async fn collect(tasks: Vec<JoinHandle<u64>>) -> Vec<u64> {
    let mut outputs = Vec::with_capacity(tasks.len());
    for task in tasks {
        outputs.push(task.await.expect("a task panicked"));
    }
    outputs
}
