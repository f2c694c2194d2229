//! The outputs in a sharded map, updated task by task, the counts in another, and the sum in a sharded counter.

use effective_locks::sharded::{Counter, Map};
use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use super::atomic::{Claims, each};
use super::{in_order, places};
use crate::contained::run;
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
    let sum = Counter::new();
    each(crew, batch, |value| sum.add(value))?;
    Ok(sum.sum())
}

pub(crate) fn histogram(crew: Crew, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    let shared: Map<usize, u64> = Map::new();
    each(crew, batch, |value| {
        shared.update(key(value, keys), |count| *count += 1);
    })?;
    let mut counts = vec![0; keys];
    for (key, count) in shared.into_map() {
        counts[key] = count;
    }
    Ok(counts)
}
