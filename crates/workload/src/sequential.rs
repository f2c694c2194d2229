//! The baseline of every table: one thread, one task after another.

#[cfg(target_os = "linux")]
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::inputs::Inputs;
#[cfg(target_os = "linux")]
use crate::model::Reason;
use crate::model::{Batch, Description, Model, Outputs};
use crate::protocol::{Concurrency, Variant};
#[cfg(target_os = "linux")]
use crate::serve::{Readiness, Service};
use crate::task::{Failure, Output};

/// One thread, one task after another: the baseline called `sequential`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

impl Model for Sequential {
    type Ready = ();

    fn describe(&self) -> Description {
        Description {
            name: "sequential",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![Variant {
                name: String::new(),
                about: "One thread, one task after another.".to_owned(),
                concurrency: Concurrency::One,
                ignores_workers: true,
            }],
        }
    }

    fn prepare(&self, _: &str, _: &Inputs, _: usize) -> Result<(), Failure> {
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    #[cfg(target_os = "linux")]
    /// One thread that takes one request after the other, whichever session it comes from.
    fn serve(
        &self,
        (): &mut (),
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let sessions = Readiness::accept(Arc::clone(service), &listener)?;
        while let Some(session) = sessions.next() {
            sessions.serve(session);
        }
        Ok(())
    }

    fn map(&self, (): &mut (), batch: &Arc<Batch>) -> Outputs {
        (0..batch.len())
            .map(|index| contained(batch, index))
            .collect()
    }
}

/// Does a task and takes a panic for its error.
pub(crate) fn contained(batch: &Batch, index: usize) -> Output {
    catch_unwind(AssertUnwindSafe(|| batch.run(index))).unwrap_or_else(|payload| {
        let words = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a payload that is no text");
        Err(Failure::new(format_args!("panicked: {words}")))
    })
}
