//! Blocking steps on tokio's blocking pool.

use std::panic::resume_unwind;

use workload::task::{Carried, Failure, Offload};

use crate::io::TokioIo;

impl Offload for TokioIo {
    async fn offload(
        &self,
        work: impl FnOnce() -> Carried + Send + 'static,
    ) -> Result<Carried, Failure> {
        match tokio::task::spawn_blocking(work).await {
            Ok(carried) => Ok(carried),
            // The panic continues here, as if the task had computed here.
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(Failure::new(error)),
        }
    }
}
