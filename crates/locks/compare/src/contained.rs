//! A task whose panic is its own error, and the error that a sum or a histogram is left with.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use workload::model::Batch;
use workload::task::{Failure, Output};

/// Does a task, outside of any lock.
pub(crate) fn run(batch: &Batch, index: usize) -> Output {
    catch_unwind(AssertUnwindSafe(|| batch.run(index))).unwrap_or_else(|payload| {
        let words = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a payload that is no text")
            .to_owned();
        // A payload may panic when it is dropped.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(another);
        }
        Err(Failure::new(format_args!("panicked: {words}")))
    })
}

/// The failure of the first task that failed, in the order of the tasks: rare, so a mutex is good enough for all.
#[derive(Default)]
pub(crate) struct FirstFailure(Mutex<Option<(usize, Failure)>>);

impl FirstFailure {
    pub(crate) fn note(&self, index: usize, failure: Failure) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|&(before, _)| index < before) {
            *first = Some((index, failure));
        }
    }

    /// What all came to, unless something failed.
    pub(crate) fn or<T>(self, total: T) -> Result<T, Failure> {
        match self.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, failure)) => Err(failure),
            None => Ok(total),
        }
    }
}
