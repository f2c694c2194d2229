//! `process-pool` as a contestant: as many worker processes as workers, reused by all samples.
//!
//! The workers read the inputs from a file when they start, so that a job is no more than the number of its task. With the
//! pattern `rounds` the values of the generation before lie in memory that all of them share.

mod jobs;

pub use jobs::{load, task};

use std::io::Write as _;
use std::sync::Arc;

use process_pool::{Buffer, JobError, ProcessPool, Program};
use tempfile::NamedTempFile;
use workload::inputs::{self, Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

/// The model `process-pool`.
#[derive(Debug, Clone)]
pub struct ProcessPoolModel {
    program: Program,
}

/// A pool whose workers know the inputs.
#[derive(Debug)]
pub struct Ready {
    pool: ProcessPool,
    /// The values of the generation before.
    snapshot: Buffer,
    /// Counts on over all samples, so that a worker knows a new one when it comes.
    generation: u64,
    one_by_one: bool,
    /// Workers that are replaced read it again.
    _file: NamedTempFile,
}

impl ProcessPoolModel {
    /// A model whose workers are this program, which has registered [`load`] and [`task`].
    pub fn new(program: Program) -> Self {
        Self { program }
    }
}

impl Ready {
    /// Does all tasks once; `generation` is 0 where there are no rounds.
    fn all(&self, count: usize, generation: u64) -> Outputs {
        let orders = (0..count as u64).map(|index| (index, generation));
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
                    "A map over worker processes, in chunks of its own choice.",
                ),
                variant(
                    "one-by-one",
                    "A job per task, each waited for through its own handle.",
                ),
            ],
        }
    }

    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        // A batch does not tell where its files and its server are, so no worker can be told.
        for step in ["fetch", "read"] {
            if workload.actions.iter().any(|action| action == step) {
                return Err(Reason(format!(
                    "a worker process knows only what it is handed, and this runner hands it the inputs but neither the \
                     folder nor the server that `{step}` needs"
                )));
            }
        }
        Ok(())
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let mut file = NamedTempFile::new().map_err(Failure::new)?;
        inputs::write(inputs, std::io::BufWriter::new(&mut file)).map_err(Failure::new)?;
        file.flush().map_err(Failure::new)?;
        let snapshot =
            Buffer::new((inputs.tasks.len() * size_of::<u64>()).max(1)).map_err(Failure::new)?;
        let path = file
            .path()
            .to_str()
            .ok_or_else(|| Failure::new("the temporary folder has no UTF-8 name"))?;
        let pool = ProcessPool::builder(&self.program)
            .workers(workers)
            .initializer::<load>((path.to_owned(), snapshot.clone()))
            .build()
            .map_err(Failure::new)?;
        // Starting is part of getting ready: one job that comes back from each.
        let _ = pool.map::<task>((0..workers).map(|_| (u64::MAX, 0)));
        Ok(Ready {
            pool,
            snapshot,
            generation: 0,
            one_by_one: variant == "one-by-one",
            _file: file,
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        ready.all(batch.len(), 0)
    }

    fn rounds(&self, ready: &mut Ready, batch: &Arc<Batch>, generations: u32) -> Outputs {
        let mut snapshot: Vec<u64> = batch.inputs().tasks.iter().map(|task| task.seed).collect();
        let mut outputs: Outputs = snapshot.iter().copied().map(Ok).collect();
        for _ in 0..generations {
            ready.generation += 1;
            let bytes: Vec<u8> = snapshot
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            if let Err(error) = ready.snapshot.write_at(0, &bytes) {
                return vec![Err(Failure::new(error)); batch.len()];
            }
            outputs = ready.all(batch.len(), ready.generation);
            match outputs.iter().cloned().collect() {
                Ok(values) => snapshot = values,
                // A failed cell has no value to go on from.
                Err(_) => return outputs,
            }
        }
        outputs
    }
}
