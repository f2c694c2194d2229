//! [`Callback`], a completion callback that cannot unwind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::panic::drop_contained;
use crate::{JobError, TaskPanic};

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
        Self(Box::new(move |result| {
            match catch_unwind(AssertUnwindSafe(|| call(result))) {
                Ok(()) => drop_contained(report),
                Err(payload) => {
                    let panic = TaskPanic::new(payload);
                    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| report(panic))) {
                        drop_contained(payload);
                    }
                }
            }
        }))
    }

    /// Never unwinds.
    pub(crate) fn call(self, result: &Result<R, JobError>) {
        (self.0)(result);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    /// Panics when it is dropped, and again with its own payload.
    struct Bomb(usize);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Bomb(self.0 - 1));
            }
        }
    }

    #[test]
    fn callback_never_unwinds_whatever_panics() {
        let (in_call, in_report) = (Bomb(1), Bomb(1));
        let call = move |_: &Result<(), JobError>| drop(in_call);
        Callback::new(call, move |_| drop(in_report)).call(&Ok(()));
        // The panic handler goes unused, and panics as it is dropped.
        let unused = Bomb(2);
        Callback::new(|_: &Result<(), JobError>| (), move |_| drop(unused)).call(&Ok(()));
        let call = |_: &Result<(), JobError>| panic_any(Bomb(2));
        Callback::new(call, drop).call(&Ok(()));
        Callback::new(call, |panic| panic_any(panic)).call(&Ok(()));
    }
}
