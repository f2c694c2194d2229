//! [`Callback`], a completion callback that cannot unwind.

use crate::error::JobError;
use crate::panic::{TaskPanic, catch, drop_quietly};

/// A completion callback of a job. Calling it never unwinds, whatever the user's function does,
/// since [`new`](Self::new) is the only constructor and catches every panic. Finishing a job relies
/// on this: see `task/body.rs`.
pub(crate) struct Callback<R>(Box<Call<R>>);

type Call<R> = dyn FnOnce(&Result<R, JobError>) + Send;

impl<R> Callback<R> {
    /// A callback that passes a panic of `call` to `report`. A panic of `report` is discarded.
    pub(crate) fn new<C, P>(call: C, report: P) -> Self
    where
        C: FnOnce(&Result<R, JobError>) + Send + 'static,
        P: FnOnce(TaskPanic) + Send + 'static,
    {
        Self(Box::new(move |result| match catch(|| call(result)) {
            Ok(()) => drop_quietly(report),
            Err(panic) => drop(catch(|| report(panic))),
        }))
    }

    /// Never unwinds.
    pub(crate) fn call(self, result: &Result<R, JobError>) {
        (self.0)(result);
    }
}
