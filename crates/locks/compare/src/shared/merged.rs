//! Only the next task is shared: each worker has its own outputs, sum and counts, merged at the
//! end.

use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use crate::shared::atomic::Claims;
use crate::shared::outputs::{in_order, slots};
use crate::task::{FirstFailure, run};
use crate::workers::Workers;

pub(crate) fn map(workers: Workers, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let parts = workers.run(batch.len(), || {
        let mut mine = Vec::new();
        while let Some(index) = claims.claim(batch) {
            mine.push((index, run(batch, index)));
        }
        mine
    });
    let mut outputs = slots(batch.len());
    for (index, output) in parts.into_iter().flatten() {
        outputs[index] = Some(output);
    }
    in_order(outputs)
}

pub(crate) fn fold(workers: Workers, batch: &Batch) -> Output {
    let sums = of_each_worker(workers, batch, 0, |sum: &mut u64, value| {
        *sum = sum.wrapping_add(value);
    })?;
    Ok(sums.into_iter().fold(0, u64::wrapping_add))
}

pub(crate) fn histogram(workers: Workers, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    let parts = of_each_worker(workers, batch, vec![0; keys], |counts, value| {
        counts[key(value, keys)] += 1;
    })?;
    let mut counts = vec![0; keys];
    for part in parts {
        for (count, more) in counts.iter_mut().zip(part) {
            *count += more;
        }
    }
    Ok(counts)
}

/// The separate results of the workers.
fn of_each_worker<T: Clone + Send + Sync>(
    workers: Workers,
    batch: &Batch,
    start: T,
    add: impl Fn(&mut T, u64) + Sync,
) -> Result<Vec<T>, Failure> {
    let (claims, failure) = (Claims::new(), FirstFailure::default());
    let parts = workers.run(batch.len(), || {
        let mut mine = start.clone();
        while let Some(index) = claims.claim(batch) {
            match run(batch, index) {
                Ok(value) => add(&mut mine, value),
                Err(failed) => failure.note(index, failed),
            }
        }
        mine
    });
    failure.or(parts)
}
