//! Worker threads that take tasks from a channel and put results into another one.

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::Run;
use crate::job::{Call, Real};

/// The workers, which end when the channel of tasks is closed.
struct Workers {
    tasks: Sender<usize>,
    results: Receiver<(usize, u64)>,
}

impl Workers {
    fn start(call: &Call, workers: usize) -> Self {
        let (tasks, to_do) = bounded(128);
        let (done, results) = unbounded();
        for _ in 0..workers {
            let (to_do, done, call) = (to_do.clone(), done.clone(), call.clone());
            thread::spawn(move || {
                for task in to_do {
                    if done.send((task, call(task))).is_err() {
                        return;
                    }
                }
            });
        }
        Workers { tasks, results }
    }
}

pub(super) fn prepare(job: &Real, workers: usize) -> Run {
    let workers = Workers::start(&job.call, workers);
    let count = job.tasks;
    Box::new(move || {
        let mut outputs = vec![0; count];
        for task in 0..count {
            workers.tasks.send(task).expect("workers that live");
        }
        for (task, output) in workers.results.iter().take(count) {
            outputs[task] = output;
        }
        outputs
    })
}
