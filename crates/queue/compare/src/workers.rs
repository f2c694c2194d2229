//! Worker threads that take tasks from a queue.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use effective_queue::Queue;
use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};

/// Threads that take tasks from one queue and put the outputs into another.
#[derive(Debug)]
pub struct Workers {
    tasks: Queue<(Arc<Batch>, usize)>,
    /// Unbounded: outputs are taken only after all tasks have been put, so a worker that waited for
    /// room here would wait for a producer that waits for room there.
    outputs: Queue<(usize, Output)>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(crate) fn start(
        tasks: Queue<(Arc<Batch>, usize)>,
        workers: usize,
    ) -> Result<Self, Failure> {
        // Built before the first thread, so that dropping it ends those that started if one is
        // refused.
        let mut started = Self {
            tasks,
            outputs: Queue::unbounded(),
            threads: Vec::with_capacity(workers),
        };
        for _ in 0..workers {
            let (tasks, outputs) = (started.tasks.clone(), started.outputs.clone());
            let thread = thread::Builder::new()
                .spawn(move || work(&tasks, &outputs))
                .map_err(Failure::new)?;
            started.threads.push(thread);
        }
        Ok(started)
    }

    pub(crate) fn map(&self, batch: &Arc<Batch>) -> Outputs {
        let closed = || Err(Failure::new("the queue was closed"));
        let mut outputs = vec![closed(); batch.len()];
        for index in 0..batch.len() {
            if self.tasks.put((Arc::clone(batch), index)).is_err() {
                return outputs;
            }
        }
        // A task is done only after its output has been put, so all outputs are there after this.
        self.tasks.join();
        for item in self.outputs.try_iter() {
            let (index, output) = item.into_inner();
            outputs[index] = output;
        }
        outputs
    }

    /// Message passing: a single thread owns the state and calls `add` for each output as it comes.
    pub(crate) fn send_to_owner(
        &self,
        batch: &Arc<Batch>,
        mut add: impl FnMut(u64) + Send,
    ) -> Result<(), Failure> {
        thread::scope(|scope| {
            let owner = scope.spawn(|| {
                let mut first: Option<(usize, Failure)> = None;
                for _ in 0..batch.len() {
                    let Ok(item) = self.outputs.get() else {
                        return Err(Failure::new("the queue was closed"));
                    };
                    match item.into_inner() {
                        (_, Ok(value)) => add(value),
                        (index, Err(failure)) => {
                            if first.as_ref().is_none_or(|&(before, _)| index < before) {
                                first = Some((index, failure));
                            }
                        }
                    }
                }
                first.map_or(Ok(()), |(_, failure)| Err(failure))
            });
            for index in 0..batch.len() {
                if self.tasks.put((Arc::clone(batch), index)).is_err() {
                    // Ends the owner's wait for outputs that will not come.
                    self.outputs.close();
                    break;
                }
            }
            owner
                .join()
                .unwrap_or_else(|payload| Err(panicked(&*payload)))
        })
    }
}

fn work(tasks: &Queue<(Arc<Batch>, usize)>, outputs: &Queue<(usize, Output)>) {
    for task in tasks {
        let (batch, index) = &*task;
        let output = catch_unwind(AssertUnwindSafe(|| batch.run(*index)))
            .unwrap_or_else(|payload| Err(panicked(&*payload)));
        if outputs.put((*index, output)).is_err() {
            return;
        }
    }
}

/// The failure of a task that panicked.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Failure {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("the payload is not a string");
    Failure::new(format_args!("panicked: {text}"))
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.close();
        for thread in self.threads.drain(..) {
            // `work` catches the panics of tasks.
            let _ = thread.join();
        }
    }
}
