//! The stages of a workload by hand: a queue in front of each stage, and one for the outputs.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use effective_queue::{Producer, Queue};
use workload::model::{Batch, Outputs};
use workload::task::{Carried, Failure};

use crate::in_flight::InFlight;
use crate::queue;
use crate::workers::panicked;

/// A task between two stages: its index, and the value it carries, unless a stage failed.
type Underway = (usize, Result<Carried, Failure>);

/// Runs every task through all its stages, with `workers` threads for each stage. Between two
/// stages at most `room` tasks wait, if there is a bound.
pub(crate) fn run(workers: usize, batch: &Batch, room: Option<NonZeroUsize>) -> Outputs {
    let in_flight = InFlight::of(batch);
    let outputs = thread::scope(|scope| {
        let mut input = queue(room);
        // The only producer: dropping it, also on a return, ends the workers that have started.
        let feeder = input.producer();
        for stage in batch.stages() {
            let output = queue(room);
            let producer = output.producer();
            for _ in 0..workers.max(1) {
                let (input, producer) = (input.clone(), producer.clone());
                let work = move || work(batch, stage, &input, &producer);
                if let Err(error) = thread::Builder::new().spawn_scoped(scope, work) {
                    return all_failed(batch, &Failure::new(error));
                }
            }
            input = output;
        }
        let in_flight = &in_flight;
        let feed = move || {
            for index in 0..batch.len() {
                in_flight.enter();
                let begun = caught(|| Ok(batch.begin(index)));
                if feeder.put((index, begun)).is_err() {
                    break;
                }
            }
        };
        if let Err(error) = thread::Builder::new().spawn_scoped(scope, feed) {
            return all_failed(batch, &Failure::new(error));
        }
        let mut outputs = all_failed(batch, &Failure::new("the queue was closed"));
        for item in &input {
            let (index, carried) = item.into_inner();
            in_flight.leave();
            outputs[index] = carried.and_then(|carried| caught(|| Ok(batch.end(index, &carried))));
        }
        outputs
    });
    in_flight.report(batch);
    outputs
}

fn all_failed(batch: &Batch, failure: &Failure) -> Outputs {
    vec![Err(failure.clone()); batch.len()]
}

/// A panic must not end a thread that others wait for.
fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(&*payload)))
}

/// A worker of one stage. The last one to return drops the last producer, which closes `output`.
fn work(batch: &Batch, stage: usize, input: &Queue<Underway>, output: &Producer<Underway>) {
    for item in input {
        let (index, carried) = item.into_inner();
        let next = carried.and_then(|carried| caught(|| batch.run_stage(index, stage, carried)));
        if output.put((index, next)).is_err() {
            return;
        }
    }
}
