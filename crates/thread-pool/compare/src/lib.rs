//! `thread-pool` as a contestant: as many threads as workers, reused by all samples.

use std::sync::Arc;

use thread_pool::ThreadPool;
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

/// The model `thread-pool`.
#[derive(Debug, Clone, Copy)]
pub struct ThreadPoolModel;

/// A pool, and how it is handed its tasks.
#[derive(Debug)]
pub struct Ready {
    pool: ThreadPool,
    submit: bool,
}

impl Model for ThreadPoolModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        Description {
            name: "thread-pool",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                Variant {
                    name: String::new(),
                    about: "A map, which hands out chunks of its own choice.".to_owned(),
                    concurrency: Concurrency::Workers,
                    ignores_workers: false,
                },
                Variant {
                    name: "submit".to_owned(),
                    about: "A job per task, each waited for through its own handle.".to_owned(),
                    concurrency: Concurrency::Workers,
                    ignores_workers: false,
                },
            ],
        }
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let pool = ThreadPool::new(workers).map_err(Failure::new)?;
        Ok(Ready {
            pool,
            submit: variant == "submit",
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        if ready.submit {
            return one_by_one(&ready.pool, batch);
        }
        let shared = Arc::clone(batch);
        ready
            .pool
            .map(0..batch.len(), move |index| shared.run(index))
            .into_iter()
            .map(flatten)
            .collect()
    }
}

fn one_by_one(pool: &ThreadPool, batch: &Arc<Batch>) -> Outputs {
    let handles: Vec<_> = (0..batch.len())
        .map(|index| {
            let shared = Arc::clone(batch);
            pool.submit(move || shared.run(index)).map_err(Failure::new)
        })
        .collect();
    handles
        .into_iter()
        .map(|handle| flatten(handle?.wait()))
        .collect()
}

fn flatten<E: std::fmt::Display>(result: Result<Output, E>) -> Output {
    result.unwrap_or_else(|error| Err(Failure::new(error)))
}
