//! A stream of futures on the caller's thread, each of which waits for a thread for blocking code.

use futures::StreamExt as _;
use futures::stream;

use super::Run;
use crate::job::Real;

pub(super) fn prepare(job: &Real, workers: usize) -> Run {
    let (count, call) = (job.tasks, job.call.clone());
    Box::new(move || {
        let tasks = stream::iter(0..count).map(|task| {
            let call = call.clone();
            smol::unblock(move || call(task))
        });
        smol::block_on(tasks.buffered(workers).collect())
    })
}
