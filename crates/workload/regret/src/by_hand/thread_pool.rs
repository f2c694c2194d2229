//! A pool of threads that runs closures, which send their results through a channel.

use std::sync::mpsc;

use threadpool::ThreadPool;

use super::Run;
use crate::job::Real;

pub(super) fn prepare(job: &Real, workers: usize) -> Run {
    let pool = ThreadPool::new(workers);
    let (count, call) = (job.tasks, job.call.clone());
    Box::new(move || {
        let (done, results) = mpsc::channel();
        for task in 0..count {
            let (done, call) = (done.clone(), call.clone());
            pool.execute(move || {
                let _ = done.send((task, call(task)));
            });
        }
        drop(done);
        let mut outputs = vec![0; count];
        for (task, output) in results {
            outputs[task] = output;
        }
        outputs
    })
}
