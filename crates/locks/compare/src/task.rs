//! Running one task, and the failure of a sum or a histogram.

use std::sync::{Mutex, PoisonError};

use workload::model::Batch;
use workload::task::{Failure, Output};

use crate::panic::catch;

/// Runs a task, outside of any lock. A panic is its failure.
pub(crate) fn run(batch: &Batch, index: usize) -> Output {
    catch(|| batch.run(index)).unwrap_or_else(|panic| Err(Failure::new(panic)))
}

/// The failure of lowest index. Failures are rare, so a mutex is good enough for all variants.
#[derive(Default)]
pub(crate) struct FirstFailure(Mutex<Option<(usize, Failure)>>);

impl FirstFailure {
    pub(crate) fn note(&self, index: usize, failure: Failure) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|&(before, _)| index < before) {
            *first = Some((index, failure));
        }
    }

    /// `total`, or the failure if there was one.
    pub(crate) fn or<T>(self, total: T) -> Result<T, Failure> {
        match self.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, failure)) => Err(failure),
            None => Ok(total),
        }
    }
}
