//! All shared state behind one mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use crate::shared::outputs::{in_order, slots};
use crate::task::{FirstFailure, run};
use crate::workers::Workers;

struct Shared<T> {
    next: usize,
    result: T,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn claim<T>(shared: &Mutex<Shared<T>>, batch: &Batch) -> Option<usize> {
    let mut shared = lock(shared);
    (shared.next < batch.len()).then(|| {
        shared.next += 1;
        shared.next - 1
    })
}

fn share<T>(result: T) -> Mutex<Shared<T>> {
    Mutex::new(Shared { next: 0, result })
}

fn result<T>(shared: Mutex<Shared<T>>) -> T {
    shared
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .result
}

pub(crate) fn map(workers: Workers, batch: &Batch) -> Outputs {
    let shared = share(slots(batch.len()));
    workers.run(batch.len(), || {
        while let Some(index) = claim(&shared, batch) {
            let output = run(batch, index);
            lock(&shared).result[index] = Some(output);
        }
    });
    in_order(result(shared))
}

pub(crate) fn fold(workers: Workers, batch: &Batch) -> Output {
    update(workers, batch, 0, |sum: &mut u64, value| {
        *sum = sum.wrapping_add(value);
    })
}

pub(crate) fn histogram(workers: Workers, batch: &Batch, keys: usize) -> Result<Vec<u64>, Failure> {
    update(workers, batch, vec![0; keys], |counts, value| {
        counts[key(value, keys)] += 1;
    })
}

/// Locks for each update.
fn update<T: Send>(
    workers: Workers,
    batch: &Batch,
    start: T,
    add: impl Fn(&mut T, u64) + Sync,
) -> Result<T, Failure> {
    let (shared, failure) = (share(start), FirstFailure::default());
    workers.run(batch.len(), || {
        while let Some(index) = claim(&shared, batch) {
            match run(batch, index) {
                Ok(value) => add(&mut lock(&shared).result, value),
                Err(failed) => failure.note(index, failed),
            }
        }
    });
    failure.or(result(shared))
}
