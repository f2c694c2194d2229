//! `data-parallel` as a contestant: the tasks split over the cores by rayon.

use std::sync::Arc;

use data_parallel::DataParallel;
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs};
use workload::protocol::{Concurrency, Variant};
use workload::task::Failure;

/// The model `data-parallel`.
#[derive(Debug, Clone, Copy)]
pub struct DataParallelModel;

/// A pool, and the numbers of the tasks: rayon splits slices.
#[derive(Debug)]
pub struct Ready {
    pool: DataParallel,
    indices: Vec<usize>,
}

impl Model for DataParallelModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        Description {
            name: "data-parallel",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![Variant {
                name: String::new(),
                about: "A parallel iterator over all tasks, on a pool of its own.".to_owned(),
                concurrency: Concurrency::Workers,
                ignores_workers: false,
            }],
        }
    }

    fn prepare(&self, _: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let pool = DataParallel::new().workers(workers).map_err(Failure::new)?;
        Ok(Ready {
            pool,
            indices: (0..inputs.tasks.len()).collect(),
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        ready
            .pool
            .map(&ready.indices, |index| batch.run(*index))
            .into_iter()
            .map(|result| result.unwrap_or_else(|error| Err(Failure::new(error))))
            .collect()
    }
}
