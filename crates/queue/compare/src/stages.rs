//! A workload's stages as stages of a pipeline.

use std::sync::atomic::{AtomicUsize, Ordering};

use effective_queue::pipeline::{Cause, ItemError, Pipeline, PipelineError};
use workload::model::{Batch, Outputs};
use workload::task::{Carried, Failure, Output};

/// A task on its way: its index, and what it carries from stage to stage.
type Underway = (usize, Carried);

/// Every task through all its stages, each of which has that many workers. A task that fails is an error in its place.
pub(crate) fn all(workers: usize, batch: &Batch, buffer: usize) -> Outputs {
    let stages = batch.stages();
    if stages.is_empty() {
        return one(workers, batch);
    }
    let mut pipeline = Pipeline::new().buffer(buffer);
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
        in_flight.enters();
        (index, batch.begin(index))
    });
    let outputs = pipeline.keep_going().run(inputs, |outputs| {
        outputs
            .map(|output| {
                in_flight.leaves();
                output.map(|(index, carried)| batch.end(index, &carried))
            })
            .map(into_output)
            .collect()
    });
    in_flight.tell(batch);
    or_all_failed(outputs, batch)
}

/// How many items were between the entrance and the exit at most; counted in the untimed trace only.
struct InFlight {
    counted: bool,
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl InFlight {
    fn of(batch: &Batch) -> InFlight {
        InFlight {
            counted: batch.is_traced(),
            now: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    fn enters(&self) {
        if self.counted {
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.peak.fetch_max(now, Ordering::Relaxed);
        }
    }

    fn leaves(&self) {
        if self.counted {
            self.now.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn tell(&self, batch: &Batch) {
        let peak = self.peak.load(Ordering::Relaxed);
        batch.metric("items_in_flight_peak", peak as f64);
    }
}

/// All steps of a task in one stage.
pub(crate) fn one(workers: usize, batch: &Batch) -> Outputs {
    let outputs = Pipeline::new()
        .try_stage("all", workers, |index| batch.run(index))
        .keep_going()
        .run(0..batch.len(), |outputs| outputs.map(into_output).collect());
    or_all_failed(outputs, batch)
}

fn into_output(output: Result<u64, ItemError>) -> Output {
    output.map_err(|error| match error.cause() {
        // In the task's own words, as `sequential` has them.
        Cause::Error(cause) => Failure::new(cause),
        _ => Failure::new(error),
    })
}

fn or_all_failed(outputs: Result<Outputs, PipelineError>, batch: &Batch) -> Outputs {
    outputs.unwrap_or_else(|error| vec![Err(Failure::new(error)); batch.len()])
}
