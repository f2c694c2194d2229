//! Nothing is shared but the next task: each thread has outputs, a sum and counts of its own, which are merged when it ends.

use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use super::atomic::Claims;
use super::{in_order, places};
use crate::contained::{FirstFailure, run};
use crate::crew::Crew;

pub(crate) fn map(crew: Crew, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let parts = crew.work(batch.len(), || {
        let mut mine = Vec::new();
        while let Some(index) = claims.claim(batch) {
            mine.push((index, run(batch, index)));
        }
        mine
    });
    let mut outputs = places(batch.len());
    for (index, output) in parts.into_iter().flatten() {
        outputs[index] = Some(output);
    }
    in_order(outputs)
}

pub(crate) fn fold(crew: Crew, batch: &Batch) -> Output {
    let sums = of_each_thread(crew, batch, 0, |sum: &mut u64, value| {
        *sum = sum.wrapping_add(value);
    })?;
    Ok(sums.into_iter().fold(0, u64::wrapping_add))
}

pub(crate) fn histogram(crew: Crew, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    let parts = of_each_thread(crew, batch, vec![0; keys], |counts, value| {
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

/// What the threads came to, each by itself.
fn of_each_thread<T: Clone + Send + Sync>(
    crew: Crew,
    batch: &Batch,
    start: T,
    add: impl Fn(&mut T, u64) + Sync,
) -> Result<Vec<T>, Failure> {
    let (claims, failure) = (Claims::new(), FirstFailure::default());
    let parts = crew.work(batch.len(), || {
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
