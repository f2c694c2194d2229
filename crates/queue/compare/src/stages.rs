//! The stages of a workload by hand: a queue in front of each stage, and one for the outputs.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use effective_queue::{Producer, Queue};
use workload::model::{Batch, Outputs};
use workload::task::{Carried, Failure};

use crate::in_flight::InFlight;
use crate::workers::panicked;

/// A task between two stages: its index, and the value it carries, unless a stage failed.
type Underway = (usize, Result<Carried, Failure>);

/// Runs every task through all its stages, with `workers` threads for each stage. Between two
/// stages at most `room` tasks wait, if there is a bound.
pub(crate) fn run(workers: usize, batch: &Batch, room: Option<NonZeroUsize>) -> Outputs {
    let in_flight = InFlight::of(batch);
    let outputs = thread::scope(|scope| {
        let entrance = queue(room);
        let mut input = entrance.clone();
        for stage in batch.stages() {
            let output = queue(room);
            let producer = output.producer();
            for _ in 0..workers.max(1) {
                let (input, producer) = (input.clone(), producer.clone());
                let work = move || work(batch, stage, &input, &producer);
                if let Err(error) = thread::Builder::new().spawn_scoped(scope, work) {
                    // Ends the workers that have started.
                    entrance.close();
                    return vec![Err(Failure::new(error)); batch.len()];
                }
            }
            input = output;
        }
        let in_flight = &in_flight;
        scope.spawn(move || {
            for index in 0..batch.len() {
                in_flight.enter();
                if entrance.put((index, Ok(batch.begin(index)))).is_err() {
                    break;
                }
            }
            entrance.close();
        });
        let mut outputs = vec![Err(Failure::new("the queue was closed")); batch.len()];
        for item in &input {
            let (index, carried) = item.into_inner();
            in_flight.leave();
            outputs[index] = carried.map(|carried| batch.end(index, &carried));
        }
        outputs
    });
    in_flight.report(batch);
    outputs
}

fn queue(room: Option<NonZeroUsize>) -> Queue<Underway> {
    room.map_or_else(Queue::unbounded, Queue::bounded)
}

/// A worker of one stage. The last one to return drops the last producer, which closes `output`.
fn work(batch: &Batch, stage: usize, input: &Queue<Underway>, output: &Producer<Underway>) {
    for item in input {
        let (index, carried) = item.into_inner();
        let next = carried.and_then(|carried| {
            let work = AssertUnwindSafe(|| batch.run_stage(index, stage, carried));
            catch_unwind(work).unwrap_or_else(|payload| Err(panicked(&*payload)))
        });
        if output.put((index, next)).is_err() {
            return;
        }
    }
}
