//! `process-pool` as a contestant: as many worker processes as workers, reused by all samples.
//!
//! The workers read the inputs from a file when they start, so that a job is no more than the number of its task. What else
//! they need lies in memory that all of them share: where files and server are, and with the pattern `rounds` the values of
//! the generation before.

mod board;
mod jobs;

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

pub use board::Board;
use board::Told;

/// The model `process-pool`.
#[derive(Debug, Clone)]
pub struct ProcessPoolModel {
    program: Program,
}

/// A pool whose workers know the inputs.
#[derive(Debug)]
pub struct Ready {
    pool: ProcessPool,
    board: Board,
    /// What stands on the board, but for the snapshot.
    told: Option<Told>,
    /// How often it was written to, so that a worker knows when there is something new.
    turn: u64,
    one_by_one: bool,
    /// Workers that are replaced read it again.
    _file: NamedTempFile,
}

impl ProcessPoolModel {
    /// A model whose workers are this program, which has registered [`load`](struct@load) and [`task`](struct@task).
    pub fn new(program: Program) -> Self {
        Self { program }
    }
}

impl Ready {
    /// Lets the workers know what this batch has that the one before had not: as a rule nothing.
    fn tell(&mut self, batch: &Batch) -> Result<(), Failure> {
        let told = Told::of(batch);
        let known = self.told.as_ref() == Some(&told);
        if known && !told.traced && told.cells == 0 {
            return Ok(());
        }
        self.turn += 1;
        self.board.write(&told, batch.snapshot())?;
        self.told = Some(told);
        Ok(())
    }

    /// Does all tasks once.
    fn all(&self, count: usize) -> Outputs {
        let orders = (0..count as u64).map(|index| (index, self.turn));
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

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "its jobs are calls with values that travel; a connection belongs to the process that accepted it"
                .to_owned(),
        ))
    }

    /// A merge needs every line of every log in one place.
    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        match workload.pattern {
            Pattern::Merge => Err(Reason(
                "a worker process hands back one number a task, and a merge would need every line: waiting for files takes no process, follow them on threads or \
                 coroutines and merge where the lines are (Item 62)"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let mut file = NamedTempFile::new().map_err(Failure::new)?;
        inputs::write(inputs, std::io::BufWriter::new(&mut file)).map_err(Failure::new)?;
        file.flush().map_err(Failure::new)?;
        let board = Board::new(inputs.tasks.len())?;
        let path = file
            .path()
            .to_str()
            .ok_or_else(|| Failure::new("the temporary folder has no UTF-8 name"))?;
        let pool = ProcessPool::builder(&self.program)
            .workers(workers)
            .initializer::<load>((path.to_owned(), board.clone()))
            .build()
            .map_err(Failure::new)?;
        // Starting is part of getting ready: one job that comes back from each.
        let _ = pool.map::<task>((0..workers).map(|_| (u64::MAX, 0)));
        Ok(Ready {
            pool,
            board,
            told: None,
            turn: 0,
            one_by_one: variant == "one-by-one",
            _file: file,
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        if let Err(failure) = ready.tell(batch) {
            return vec![Err(failure); batch.len()];
        }
        let outputs = ready.all(batch.len());
        if batch.is_traced() {
            ready.board.note_all(batch);
        }
        outputs
    }
}
