//! A stream of async-std's tasks for blocking code.

use futures::StreamExt as _;
use futures::stream;

use super::Run;
use crate::job::Real;

pub(super) fn prepare(job: &Real, workers: usize) -> Run {
    let (count, call) = (job.tasks, job.call.clone());
    Box::new(move || {
        let tasks = stream::iter(0..count).map(|task| {
            let call = call.clone();
            async_std::task::spawn_blocking(move || call(task))
        });
        async_std::task::block_on(tasks.buffered(workers).collect())
    })
}
