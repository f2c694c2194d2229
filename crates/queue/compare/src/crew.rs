//! Workers that wait for tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use effective_queue::Queue;
use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};

/// Threads that get tasks from one queue and put the outputs into another.
#[derive(Debug)]
pub struct Crew {
    tasks: Queue<(Arc<Batch>, usize)>,
    /// Without a bound: a worker that waited for room here would wait for a producer who waits for room there.
    outputs: Queue<(usize, Output)>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    pub(crate) fn start(
        tasks: Queue<(Arc<Batch>, usize)>,
        workers: usize,
    ) -> Result<Self, Failure> {
        // From the first thread on, so that those that did start end if another one is refused.
        let mut crew = Self {
            tasks,
            outputs: Queue::unbounded(),
            threads: Vec::with_capacity(workers),
        };
        for _ in 0..workers {
            let (tasks, outputs) = (crew.tasks.clone(), crew.outputs.clone());
            let thread = thread::Builder::new()
                .spawn(move || work(&tasks, &outputs))
                .map_err(Failure::new)?;
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    pub(crate) fn map(&self, batch: &Arc<Batch>) -> Outputs {
        let closed = || Err(Failure::new("the queue was closed"));
        let mut outputs = vec![closed(); batch.len()];
        for index in 0..batch.len() {
            if self.tasks.put((Arc::clone(batch), index)).is_err() {
                return outputs;
            }
        }
        // A task is done when its output has been put, so that after this all of them are there.
        self.tasks.join();
        for item in self.outputs.try_iter() {
            let (index, output) = item.into_inner();
            outputs[index] = output;
        }
        outputs
    }
}

impl Crew {
    /// Message passing: the outputs go to one thread, which alone has the state, as they come. It is `add` that changes it,
    /// for as many outputs as there are tasks.
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
                    // The owner must not wait for what will never come.
                    self.outputs.close();
                    break;
                }
            }
            owner
                .join()
                .unwrap_or_else(|payload| Err(Failure::new(words(&*payload))))
        })
    }
}

fn work(tasks: &Queue<(Arc<Batch>, usize)>, outputs: &Queue<(usize, Output)>) {
    for task in tasks {
        let (batch, index) = &*task;
        let output = catch_unwind(AssertUnwindSafe(|| batch.run(*index)))
            .unwrap_or_else(|payload| Err(Failure::new(words(&*payload))));
        if outputs.put((*index, output)).is_err() {
            return;
        }
    }
}

fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("a payload that is no text"))
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.tasks.close();
        for thread in self.threads.drain(..) {
            // It contains the panics of its tasks.
            let _ = thread.join();
        }
    }
}
