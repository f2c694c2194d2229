//! All shared state in atomics. Separate cache lines for the next task and the sum would be the
//! next step.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use crate::task::{FirstFailure, run};
use crate::workers::Workers;

/// The index of the next task. Relaxed: it guards no data, and joining the workers orders the rest.
pub(super) struct Claims(AtomicUsize);

impl Claims {
    pub(super) fn new() -> Claims {
        Claims(AtomicUsize::new(0))
    }

    pub(super) fn claim(&self, batch: &Batch) -> Option<usize> {
        let index = self.0.fetch_add(1, Ordering::Relaxed);
        (index < batch.len()).then_some(index)
    }
}

pub(crate) fn map(workers: Workers, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let values: Vec<AtomicU64> = (0..batch.len()).map(|_| AtomicU64::new(0)).collect();
    // A failure does not fit into an atomic, and is rare.
    let failures: Mutex<Vec<(usize, Failure)>> = Mutex::default();
    workers.run(batch.len(), || {
        while let Some(index) = claims.claim(batch) {
            match run(batch, index) {
                Ok(value) => values[index].store(value, Ordering::Relaxed),
                Err(failed) => failures
                    .lock()
                    .expect("nothing panics under this lock")
                    .push((index, failed)),
            }
        }
    });
    let mut outputs: Outputs = values
        .into_iter()
        .map(|value| Ok(value.into_inner()))
        .collect();
    for (index, failed) in failures
        .into_inner()
        .expect("nothing panics under this lock")
    {
        outputs[index] = Err(failed);
    }
    outputs
}

pub(crate) fn fold(workers: Workers, batch: &Batch) -> Output {
    let sum = AtomicU64::new(0);
    each(workers, batch, |value| {
        sum.fetch_add(value, Ordering::Relaxed);
    })?;
    Ok(sum.into_inner())
}

/// Neighbouring keys share a cache line, as in most first attempts.
pub(crate) fn histogram(workers: Workers, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    let counts: Vec<AtomicU64> = (0..keys).map(|_| AtomicU64::new(0)).collect();
    each(workers, batch, |value| {
        counts[key(value, keys)].fetch_add(1, Ordering::Relaxed);
    })?;
    Ok(counts.into_iter().map(AtomicU64::into_inner).collect())
}

/// Passes each output to `add`, on the worker that made it.
pub(super) fn each(
    workers: Workers,
    batch: &Batch,
    add: impl Fn(u64) + Sync,
) -> Result<(), Failure> {
    let (claims, failure) = (Claims::new(), FirstFailure::default());
    workers.run(batch.len(), || {
        while let Some(index) = claims.claim(batch) {
            match run(batch, index) {
                Ok(value) => add(value),
                Err(failed) => failure.note(index, failed),
            }
        }
    });
    failure.or(())
}
