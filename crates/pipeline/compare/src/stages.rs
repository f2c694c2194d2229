//! The stages of a workload as stages of a pipeline.

use effective_pipeline::{Cause, ItemError, Pipeline, PipelineError};
use workload::model::{Batch, Outputs};
use workload::task::{Carried, Failure, Output};

use crate::in_flight::InFlight;

/// A task between two stages: its index, and the value it carries.
type Underway = (usize, Carried);

/// Runs every task through all its stages, with `workers` threads for each stage.
pub(crate) fn each(workers: usize, batch: &Batch, buffer: usize) -> Outputs {
    let stages = batch.stages();
    if stages.is_empty() {
        return one(workers, batch);
    }
    let mut pipeline = Pipeline::new().buffer(buffer.max(1));
    for stage in stages {
        pipeline = pipeline.try_stage(
            format!("stage {stage}"),
            workers,
            move |(index, carried): Underway| {
                Ok::<_, Failure>((index, batch.run_stage(index, stage, carried)?))
            },
        );
    }
    let in_flight = InFlight::of(batch);
    let inputs = (0..batch.len()).map(|index| {
        in_flight.enter();
        (index, batch.begin(index))
    });
    let outputs = pipeline.keep_going().run(inputs, |outputs| {
        outputs
            .map(|output| {
                in_flight.leave();
                output.map(|(index, carried)| batch.end(index, &carried))
            })
            .map(into_output)
            .collect()
    });
    in_flight.report(batch);
    or_all_failed(outputs, batch)
}

/// Runs all steps of a task in a single stage.
pub(crate) fn one(workers: usize, batch: &Batch) -> Outputs {
    let outputs = Pipeline::new()
        .try_stage("all", workers, |index| batch.run(index))
        .keep_going()
        .run(0..batch.len(), |outputs| outputs.map(into_output).collect());
    or_all_failed(outputs, batch)
}

fn into_output(output: Result<u64, ItemError>) -> Output {
    output.map_err(|error| match error.cause() {
        // Without the stage and the index, so that the text is the same as in `sequential`.
        Cause::Error(cause) => Failure::new(cause),
        _ => Failure::new(error),
    })
}

fn or_all_failed(outputs: Result<Outputs, PipelineError>, batch: &Batch) -> Outputs {
    outputs.unwrap_or_else(|error| vec![Err(Failure::new(error)); batch.len()])
}
