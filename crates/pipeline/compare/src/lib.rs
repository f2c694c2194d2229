//! The contestant `pipeline`: the stages of a workload as stages of a pipeline, and any other list
//! of tasks as a pipeline of a single stage.

mod in_flight;
mod stages;

use std::sync::Arc;

use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs};
use workload::protocol::{Concurrency, Variant};
use workload::task::Failure;

/// The model `pipeline`.
#[derive(Debug, Clone, Copy)]
pub struct PipelineModel;

impl Model for PipelineModel {
    /// The number of workers of each stage. Nothing else can be prepared: the threads of a pipeline
    /// live no longer than its run.
    type Ready = usize;

    fn describe(&self) -> Description {
        Description {
            name: "pipeline",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![Variant {
                name: String::new(),
                about: "Items pass through stages in order, each with that many workers; \
                        work without stages is done in one."
                    .to_owned(),
                concurrency: Concurrency::Workers,
                ignores_workers: false,
            }],
        }
    }

    fn prepare(&self, _: &str, _: &Inputs, workers: usize) -> Result<usize, Failure> {
        Ok(workers.max(1))
    }

    fn map(&self, workers: &mut usize, batch: &Arc<Batch>) -> Outputs {
        stages::one(*workers, batch)
    }

    fn pipeline(&self, workers: &mut usize, batch: &Arc<Batch>, buffer: usize) -> Outputs {
        stages::each(*workers, batch, buffer)
    }
}
