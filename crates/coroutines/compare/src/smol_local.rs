//! The same work on smol's `LocalExecutor`.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use smol::LocalExecutor;
use smol::lock::Semaphore;
use workload::model::{Batch, Outputs};
use workload::task::Failure;

use crate::io::RuntimeIo;

/// One task each, at most `limit` at once. An executor of smol does not catch panics, so each task
/// catches its own.
pub(crate) fn map(batch: &Arc<Batch>, limit: Option<NonZeroUsize>) -> Outputs {
    let executor = LocalExecutor::new();
    let room = limit.map(|limit| Arc::new(Semaphore::new(limit.get())));
    let pulse = batch.pulse();
    if let Some(pulse) = &pulse {
        executor.spawn(pulse.beat(RuntimeIo)).detach();
    }
    let outputs = smol::block_on(executor.run(async {
        let mut handles = Vec::with_capacity(batch.len());
        for index in 0..batch.len() {
            let permit = match &room {
                Some(room) => Some(room.acquire_arc().await),
                None => None,
            };
            let batch = Arc::clone(batch);
            handles.push(executor.spawn(async move {
                let task = AssertUnwindSafe(batch.run_async(index, &RuntimeIo));
                let output = task.catch_unwind().await;
                drop(permit);
                output.unwrap_or_else(|panic| {
                    let message = panic
                        .downcast_ref::<&str>()
                        .copied()
                        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                    Err(Failure::new(format_args!(
                        "the task panicked: {}",
                        message.unwrap_or("no message")
                    )))
                })
            }));
        }
        let mut outputs = Vec::with_capacity(handles.len());
        for handle in handles {
            outputs.push(handle.await);
        }
        outputs
    }));
    if let Some(pulse) = pulse {
        pulse.stop();
    }
    outputs
}
