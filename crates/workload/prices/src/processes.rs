//! Prices of processes: a job of a pool of them, and a program that is started for each task.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use effective_child_process::{Command, Many};
use effective_process_pool::{ProcessPool, Program, job};

use crate::priced::{Priced, failed, task};
use crate::reading::{self, Reading};

job! {
    /// Does one task in a worker process.
    pub(crate) fn work(iterations: u64) -> u64 {
        task(iterations)
    }

    /// Keeps a worker process busy.
    pub(crate) fn pause(ms: u64) {
        thread::sleep(Duration::from_millis(ms));
    }
}

/// A job of `process-pool`: submitted, and waited for by its handle.
pub(crate) struct ProcessJob(ProcessPool);

impl ProcessJob {
    pub(crate) fn new(program: &Program, workers: NonZeroUsize) -> Result<ProcessJob, String> {
        let pool = ProcessPool::new(program, workers.get());
        Ok(ProcessJob(pool.map_err(failed)?))
    }

    fn jobs(&self, tasks: usize, iterations: u64) -> Result<(), String> {
        let handles: Vec<_> = (0..tasks)
            .map(|_| self.0.submit::<work>(iterations).map_err(failed))
            .collect::<Result<_, String>>()?;
        for handle in handles {
            handle.wait().map_err(failed)?;
        }
        Ok(())
    }
}

impl Priced for ProcessJob {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        let mut outcome = Ok(());
        let reading = reading::of(|| outcome = self.jobs(tasks, iterations));
        outcome.map(|()| reading)
    }

    fn most_tasks(&self) -> usize {
        4_096
    }
}

/// A small program, started and waited for with `child-process`.
pub(crate) struct Child(Many);

impl Child {
    pub(crate) fn new(at_once: NonZeroUsize) -> Child {
        Child(Many::new().limit(at_once))
    }
}

impl Priced for Child {
    fn batch(&mut self, tasks: usize, _: u64) -> Result<Reading, String> {
        let mut results = Vec::new();
        let commands = (0..tasks).map(|_| Command::new("true"));
        let reading = reading::of(|| results = self.0.map(commands));
        match results.into_iter().find_map(Result::err) {
            Some(error) => Err(failed(error)),
            None => Ok(reading),
        }
    }

    fn most_tasks(&self) -> usize {
        16
    }

    fn takes_work(&self) -> bool {
        false
    }
}
