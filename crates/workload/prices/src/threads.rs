//! Prices of threads: rayon's, a pool's, those behind a queue, and one for each task.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use effective_data_parallel::DataParallel;
use effective_queue::Queue;
use effective_thread_pool::ThreadPool;
use effective_threads::Threads;

use crate::priced::{Priced, failed, task};
use crate::reading::{self, Reading};

/// The items of a queue before a producer waits.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// An item of `data-parallel`, which is one of rayon's.
pub(crate) struct RayonItem(DataParallel);

impl RayonItem {
    pub(crate) fn new(workers: NonZeroUsize) -> Result<RayonItem, String> {
        Ok(RayonItem(
            DataParallel::new().workers(workers).map_err(failed)?,
        ))
    }
}

impl Priced for RayonItem {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        let inputs = vec![iterations; tasks];
        Ok(reading::of(|| self.0.map(&inputs, |n| task(*n))))
    }

    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        thread::sleep(pause);
        Ok(reading::of(|| self.0.map(&[0], |n| task(*n))))
    }
}

/// A job of `thread-pool`: submitted, and waited for by its handle.
pub(crate) struct PoolJob(ThreadPool);

impl PoolJob {
    pub(crate) fn new(workers: NonZeroUsize) -> Result<PoolJob, String> {
        Ok(PoolJob(ThreadPool::new(workers.get()).map_err(failed)?))
    }

    fn jobs(&self, tasks: usize, iterations: u64) -> Result<(), String> {
        let handles: Vec<_> = (0..tasks)
            .map(|_| self.0.submit(move || task(iterations)).map_err(failed))
            .collect::<Result<_, String>>()?;
        for handle in handles {
            handle.wait().map_err(failed)?;
        }
        Ok(())
    }
}

impl Priced for PoolJob {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        let mut outcome = Ok(());
        let reading = reading::of(|| outcome = self.jobs(tasks, iterations));
        outcome.map(|()| reading)
    }
}

/// A hop through `queue`: an item put by one thread and done by a worker.
pub(crate) struct QueueHop {
    queue: Arc<Queue<u64>>,
    workers: Vec<JoinHandle<()>>,
}

impl QueueHop {
    pub(crate) fn new(workers: NonZeroUsize) -> QueueHop {
        let queue = Arc::new(Queue::bounded(CAPACITY));
        let worker = |_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                for iterations in &*queue {
                    std::hint::black_box(task(*iterations));
                }
            })
        };
        let workers = (0..workers.get()).map(worker).collect();
        QueueHop { queue, workers }
    }
}

impl Priced for QueueHop {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        let mut outcome = Ok(());
        let reading = reading::of(|| {
            for _ in 0..tasks {
                if let Err(error) = self.queue.put(iterations) {
                    outcome = Err(failed(error));
                    return;
                }
            }
            self.queue.join();
        });
        outcome.map(|()| reading)
    }
}

impl Drop for QueueHop {
    fn drop(&mut self) {
        self.queue.close();
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing to report.
            let _ = worker.join();
        }
    }
}

/// A thread for each task, with `threads`.
pub(crate) struct Thread(Threads);

impl Thread {
    pub(crate) fn new(at_once: NonZeroUsize) -> Thread {
        Thread(Threads::new().limit(at_once))
    }
}

impl Priced for Thread {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        let mut results = Vec::new();
        let reading = reading::of(|| results = self.0.map(0..tasks, |_| task(iterations)));
        match results.into_iter().find_map(Result::err) {
            Some(error) => Err(failed(error)),
            None => Ok(reading),
        }
    }
}
