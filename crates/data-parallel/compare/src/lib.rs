//! The runner of `data-parallel`: tasks split over the cores by rayon.

use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_data_parallel::{DataParallel, TaskPanic};
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};
use workload::value::key;

/// The model `data-parallel`.
#[derive(Debug, Clone, Copy)]
pub struct DataParallelModel;

/// A pool and the indices of the tasks, since rayon splits slices.
#[derive(Debug)]
pub struct Ready {
    pool: DataParallel,
    indices: Vec<usize>,
    streamed: bool,
}

impl Ready {
    /// Folds the tasks; one that fails or panics is the error of the whole fold.
    fn fold<T: Send>(
        &self,
        batch: &Batch,
        start: impl Fn() -> T + Sync,
        add: impl Fn(T, u64) -> T + Sync,
        merge: impl Fn(T, T) -> T + Sync,
    ) -> Result<T, Failure> {
        self.pool
            .fold(
                &self.indices,
                || Ok(start()),
                |total, index| Ok(add(total?, batch.run(*index)?)),
                |one, other| Ok(merge(one?, other?)),
            )
            .unwrap_or_else(|panic| Err(Failure::new(panic)))
    }
}

impl Model for DataParallelModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        Description {
            name: "data-parallel",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "All tasks split over a separate pool, about 32 pieces for each worker.",
                ),
                variant(
                    "one-by-one",
                    "The same with a grain of 1: each task is handed out singly.",
                ),
                variant(
                    "stream",
                    "An ordered stream of results, with a bounded look-ahead.",
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "rayon splits work that is known in advance; requests arrive one at a time".to_owned(),
        ))
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let workers =
            NonZeroUsize::new(workers).ok_or_else(|| Failure::new("a pool of 0 workers"))?;
        let pool = DataParallel::new().workers(workers).map_err(Failure::new)?;
        let pool = match variant {
            "one-by-one" => pool.grain(NonZeroUsize::MIN),
            _ => pool,
        };
        Ok(Ready {
            pool,
            indices: (0..inputs.tasks.len()).collect(),
            streamed: variant == "stream",
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let flatten = |result: Result<Output, TaskPanic>| {
            result.unwrap_or_else(|error| Err(Failure::new(error)))
        };
        if ready.streamed {
            let tasks = Arc::clone(batch);
            let results = ready
                .pool
                .stream(0..batch.len(), move |index| tasks.run(index));
            return results.map(flatten).collect();
        }
        let results = ready.pool.map(&ready.indices, |index| batch.run(*index));
        results.into_iter().map(flatten).collect()
    }

    fn fold(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Output {
        let sum = |sum: u64, value: u64| sum.wrapping_add(value);
        ready.fold(batch, || 0, sum, sum)
    }

    fn histogram(
        &self,
        ready: &mut Ready,
        batch: &Arc<Batch>,
        keys: usize,
    ) -> Result<Vec<u64>, Failure> {
        let count = |mut counts: Vec<u64>, value| {
            counts[key(value, keys)] += 1;
            counts
        };
        let merge = |mut counts: Vec<u64>, more: Vec<u64>| {
            for (count, more) in counts.iter_mut().zip(more) {
                *count += more;
            }
            counts
        };
        ready.fold(batch, || vec![0; keys], count, merge)
    }
}
