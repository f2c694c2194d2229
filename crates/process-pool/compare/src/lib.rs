//! `process-pool` as a contestant: worker processes, reused by all samples.
//!
//! The workers read the inputs from a file when they start, so a job is only the number of its
//! task. The rest is in memory that all of them share: the locations of files and server, and with
//! the pattern `rounds` the values of the previous generation.

mod jobs;
mod shared_memory;

pub use jobs::{load, task};

use std::io::Write as _;
use std::sync::Arc;

use effective_process_pool::{JobError, ProcessPool, Program};
use tempfile::NamedTempFile;
use workload::definition::Pattern;
use workload::inputs::{self, Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

pub use shared_memory::SharedMemory;

use shared_memory::Context;

/// The model `process-pool`.
#[derive(Debug, Clone)]
pub struct ProcessPoolModel {
    program: Program,
}

/// A pool whose workers have loaded the inputs.
#[derive(Debug)]
pub struct Ready {
    pool: ProcessPool,
    memory: SharedMemory,
    /// The context in the shared memory.
    context: Option<Context>,
    /// How often the shared memory was written, so that a worker knows when to read again.
    version: u64,
    one_by_one: bool,
    /// Kept for replacement workers, which read it again.
    _file: NamedTempFile,
}

impl ProcessPoolModel {
    /// Creates a model whose workers are this program, which has registered [`load`](struct@load)
    /// and [`task`](struct@task).
    pub fn new(program: Program) -> Self {
        Self { program }
    }
}

impl Ready {
    /// Passes on what differs from the previous batch: usually nothing.
    fn update(&mut self, batch: &Batch) -> Result<(), Failure> {
        let context = Context::of(batch);
        let known = self.context.as_ref() == Some(&context);
        if known && !context.traced && context.cells == 0 {
            return Ok(());
        }
        self.version += 1;
        self.memory.write(&context, batch.snapshot())?;
        self.context = Some(context);
        Ok(())
    }

    /// Runs all tasks once.
    fn run_all(&self, count: usize) -> Outputs {
        let orders = (0..count as u64).map(|index| (index, self.version));
        if self.one_by_one {
            let handles: Vec<_> = orders
                .map(|order| self.pool.submit::<task>(order).map_err(Failure::new))
                .collect();
            return handles
                .into_iter()
                .map(|handle| flatten(handle?.wait()))
                .collect();
        }
        self.pool
            .map::<task>(orders)
            .into_iter()
            .map(flatten)
            .collect()
    }
}

fn flatten(result: Result<Result<u64, String>, JobError>) -> Output {
    result.map_err(Failure::new)?.map_err(Failure::new)
}

impl Model for ProcessPoolModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        Description {
            name: "process-pool",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "A map over worker processes, in chunks of automatic size.",
                ),
                variant("one-by-one", "One job per task, each with its own handle."),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "its jobs are calls with values; a connection belongs to the process that accepted it"
                .to_owned(),
        ))
    }

    fn calls(&self, _: &str, batch: &Batch) -> Option<String> {
        let calls = batch.surroundings().job.calls()?;
        let ms = calls.made_in().as_secs_f64() * 1e3;
        Some(format!(
            "`run`, and each worker makes the inputs again when it starts ({ms:.1} ms)"
        ))
    }

    /// A merge needs every line of every log in one place.
    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        match workload.pattern {
            Pattern::Merge => Err(Reason(
                "a worker process returns one number per task, and a merge would need every line: \
                 waiting for files takes no process, so follow them on threads or coroutines and \
                 merge where the lines are (Item 62)"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let mut file = NamedTempFile::new().map_err(Failure::new)?;
        inputs::write(inputs, std::io::BufWriter::new(&mut file)).map_err(Failure::new)?;
        file.flush().map_err(Failure::new)?;
        let memory = SharedMemory::new(inputs.tasks.len())?;
        let path = file
            .path()
            .to_str()
            .ok_or_else(|| Failure::new("the temporary folder has no UTF-8 name"))?;
        let pool = ProcessPool::builder(&self.program)
            .workers(workers)
            .initializer::<load>((path.to_owned(), memory.clone()))
            .build()
            .map_err(Failure::new)?;
        // Starting is part of the preparation: wait for a job of each worker.
        let _ = pool.map::<task>((0..workers).map(|_| (u64::MAX, 0)));
        Ok(Ready {
            pool,
            memory,
            context: None,
            version: 0,
            one_by_one: variant == "one-by-one",
            _file: file,
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        if let Err(failure) = ready.update(batch) {
            return vec![Err(failure); batch.len()];
        }
        let outputs = ready.run_all(batch.len());
        if batch.is_traced() {
            ready.memory.forward_records(batch);
        }
        outputs
    }
}
