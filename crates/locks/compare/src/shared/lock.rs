//! All shared state behind one lock: a mutex, or a reader-writer lock. No worker only reads, so the
//! reader-writer lock cannot be better than the mutex. It is here because people expect it to be.

use std::ops::DerefMut;
use std::sync::{Mutex, PoisonError, RwLock};

use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};
use workload::value::key;

use crate::shared::outputs::{in_order, slots};
use crate::task::{FirstFailure, run};
use crate::workers::Workers;

pub(crate) struct Shared<T> {
    next: usize,
    result: T,
}

impl<T> Shared<T> {
    fn claim(&mut self, batch: &Batch) -> Option<usize> {
        (self.next < batch.len()).then(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// A lock of the shared state.
pub(crate) trait Lock<T>: From<Shared<T>> + Sync {
    /// Locks the state exclusively.
    fn write(&self) -> impl DerefMut<Target = Shared<T>>;

    fn claim(&self, batch: &Batch) -> Option<usize> {
        self.write().claim(batch)
    }

    fn into_inner(self) -> Shared<T>;
}

impl<T: Send> Lock<T> for Mutex<Shared<T>> {
    fn write(&self) -> impl DerefMut<Target = Shared<T>> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn into_inner(self) -> Shared<T> {
        Mutex::into_inner(self).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync> Lock<T> for RwLock<Shared<T>> {
    fn write(&self) -> impl DerefMut<Target = Shared<T>> {
        RwLock::write(self).unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, batch: &Batch) -> Option<usize> {
        // Checking needs no write lock. The value may have changed by the time of the write lock,
        // so it is checked again.
        let next = self.read().unwrap_or_else(PoisonError::into_inner).next;
        if next >= batch.len() {
            return None;
        }
        Lock::write(self).claim(batch)
    }

    fn into_inner(self) -> Shared<T> {
        RwLock::into_inner(self).unwrap_or_else(PoisonError::into_inner)
    }
}

fn share<T, L: Lock<T>>(result: T) -> L {
    L::from(Shared { next: 0, result })
}

pub(crate) fn map<L: Lock<Vec<Option<Output>>>>(workers: Workers, batch: &Batch) -> Outputs {
    let shared: L = share(slots(batch.len()));
    workers.run(batch.len(), || {
        while let Some(index) = shared.claim(batch) {
            let output = run(batch, index);
            shared.write().result[index] = Some(output);
        }
    });
    in_order(shared.into_inner().result)
}

pub(crate) fn fold<L: Lock<u64>>(workers: Workers, batch: &Batch) -> Output {
    update::<_, L>(workers, batch, 0, |sum, value| {
        *sum = sum.wrapping_add(value);
    })
}

pub(crate) fn histogram<L: Lock<Vec<u64>>>(
    workers: Workers,
    batch: &Batch,
    keys: usize,
) -> Result<Vec<u64>, Failure> {
    update::<_, L>(workers, batch, vec![0; keys], |counts, value| {
        counts[key(value, keys)] += 1;
    })
}

/// Locks for each update.
fn update<T, L: Lock<T>>(
    workers: Workers,
    batch: &Batch,
    start: T,
    add: impl Fn(&mut T, u64) + Sync,
) -> Result<T, Failure> {
    let (shared, failure): (L, _) = (share(start), FirstFailure::default());
    workers.run(batch.len(), || {
        while let Some(index) = shared.claim(batch) {
            match run(batch, index) {
                Ok(value) => add(&mut shared.write().result, value),
                Err(failed) => failure.note(index, failed),
            }
        }
    });
    failure.or(shared.into_inner().result)
}
