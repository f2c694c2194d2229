//! The baseline of every table: one thread that does one task after another.

#[cfg(target_os = "linux")]
use std::net::TcpListener;
use std::sync::Arc;

use crate::batch::{Batch, catch_panic};
use crate::inputs::types::Inputs;
#[cfg(target_os = "linux")]
use crate::model::Reason;
use crate::model::{Description, Model, Outputs};
use crate::protocol::{Concurrency, Variant};
#[cfg(target_os = "linux")]
use crate::serve::readiness::Readiness;
use crate::serve::service::Service;
use crate::task::failure::Failure;

/// The baseline `sequential`: one thread that does one task after another.
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

    /// One thread answers one request after the other, of all sessions.
    #[cfg(target_os = "linux")]
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
            .map(|index| catch_panic(batch, index))
            .collect()
    }
}
