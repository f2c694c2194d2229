//! The outputs in a sharded map, the counts in another, and the sum in a sharded counter.

use effective_locks::sharded::{Counter, Map};
use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use crate::shared::atomic::{Claims, each};
use crate::shared::outputs::{in_order, slots};
use crate::task::run;
use crate::workers::Workers;

pub(crate) fn map(workers: Workers, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let outputs: Map<usize, Option<Output>> = Map::new();
    workers.run(batch.len(), || {
        while let Some(index) = claims.claim(batch) {
            let output = run(batch, index);
            outputs.update(index, |slot| *slot = Some(output));
        }
    });
    let mut ordered = slots(batch.len());
    for (index, output) in outputs.into_map() {
        ordered[index] = output;
    }
    in_order(ordered)
}

pub(crate) fn fold(workers: Workers, batch: &Batch) -> Output {
    let sum = Counter::new();
    each(workers, batch, |value| sum.add(value))?;
    Ok(sum.sum())
}

pub(crate) fn histogram(workers: Workers, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    let shared: Map<usize, u64> = Map::new();
    each(workers, batch, |value| {
        shared.update(key(value, keys), |count| *count += 1);
    })?;
    let mut counts = vec![0; keys];
    for (key, count) in shared.into_map() {
        counts[key] = count;
    }
    Ok(counts)
}
