//! The outputs in a sharded map, updated task by task, and the sum in a sharded counter.

use locks::sharded::{Counter, Map};
use workload::model::{Batch, Outputs};
use workload::task::Output;

use super::atomic::Claims;
use super::{in_order, places};
use crate::contained::{FirstFailure, run};
use crate::crew::Crew;

pub(crate) fn map(crew: Crew, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let outputs: Map<usize, Option<Output>> = Map::new();
    crew.work(batch.len(), || {
        while let Some(index) = claims.claim(batch) {
            let output = run(batch, index);
            outputs.update(index, |place| *place = Some(output));
        }
    });
    let mut ordered = places(batch.len());
    for (index, output) in outputs.into_map() {
        ordered[index] = output;
    }
    in_order(ordered)
}

pub(crate) fn fold(crew: Crew, batch: &Batch) -> Output {
    let (claims, sum, failure) = (Claims::new(), Counter::new(), FirstFailure::default());
    crew.work(batch.len(), || {
        while let Some(index) = claims.claim(batch) {
            match run(batch, index) {
                Ok(value) => sum.add(value),
                Err(failed) => failure.note(index, failed),
            }
        }
    });
    failure.or(sum.sum())
}
