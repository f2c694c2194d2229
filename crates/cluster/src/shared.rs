//! [`Shared`]: the parts of a cluster that handles and maps need too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::caller::callbacks::Callbacks;
use crate::caller::engine::Engine;
use crate::caller::ledger::{Ledger, RawResult};
use crate::caller::promise::Promise;
use crate::codec::{decode, encode, not_decoded};
use crate::error::{JobError, SubmitError};
use crate::frames;
use crate::job::Job;
use crate::order::{Order, Outcome};
use crate::panic::catch;
use crate::registry::Registered;
use crate::retry::Retry;

/// The ledger, the engine and the callbacks of a cluster.
pub(crate) struct Shared {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) callbacks: Arc<Callbacks>,
    pub(crate) retry: Retry,
    pub(crate) time_limit: Option<Duration>,
    stopped: AtomicBool,
}

/// The settings of one job.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobSettings {
    pub(crate) retry: Retry,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) key: Option<String>,
}

impl Shared {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        engine: Box<dyn Engine>,
        retry: Retry,
        time_limit: Option<Duration>,
    ) -> Self {
        Self {
            ledger,
            engine,
            callbacks: Arc::default(),
            retry,
            time_limit,
            stopped: AtomicBool::new(false),
        }
    }

    /// Accepts a job and hands it to the engine.
    pub(crate) fn submit<J: Job>(
        &self,
        input: &J::Input,
        settings: JobSettings,
        deadline: Option<Instant>,
    ) -> Result<(u64, Arc<Promise>), SubmitError> {
        let mut inputs = Vec::with_capacity(64);
        append_input(input, &mut inputs, self.engine.max_input_bytes())?;
        let order = Order {
            job: Registered::of::<J>(),
            nonce: 0,
            count: 1,
            inputs,
            time_limit: settings.time_limit,
            attempts: settings.retry.attempts.get(),
            failed_before: 0,
            pause: settings.retry.pause,
            key: settings.key,
        };
        let promise = Arc::new(Promise::default());
        let (fulfilled, callbacks) = (Arc::clone(&promise), Arc::clone(&self.callbacks));
        let sink = Box::new(move |result| {
            if let Some((callback, result)) = fulfilled.set(result) {
                callbacks.call(Box::new(move || callback(result)));
            }
        });
        let (id, order) = self.ledger.accept(order, sink, deadline)?;
        self.engine.send(id, order);
        Ok((id, promise))
    }

    pub(crate) fn cancel(&self, id: u64) -> bool {
        let is_cancelled = self.ledger.cancel(id);
        if is_cancelled {
            self.engine.forget(id);
        }
        is_cancelled
    }

    /// Ends the engine once the jobs have ended or were given up. `deadline` is for the jobs.
    pub(crate) fn finish(&self, deadline: Option<Instant>) -> usize {
        self.ledger.close();
        let left = self.ledger.wait_empty(deadline);
        self.give_up();
        left
    }

    /// Ends all open jobs as closed, and the engine.
    pub(crate) fn give_up(&self) {
        self.ledger.close();
        let left = self.ledger.close_all();
        for &id in &left {
            self.engine.forget(id);
        }
        if !self.stopped.swap(true, Ordering::AcqRel) {
            self.engine.stop(left.is_empty());
            self.callbacks.finish();
        }
    }
}

/// Appends an input in a frame.
pub(crate) fn append_input<T: serde::Serialize>(
    input: &T,
    bytes: &mut Vec<u8>,
    limit: usize,
) -> Result<(), SubmitError> {
    let start = frames::begin(bytes);
    let result = encode(input, bytes).map_err(SubmitError::Input);
    let length = bytes.len() - start;
    let result = match result {
        Ok(()) if length > limit || !frames::end(bytes, start) => Err(SubmitError::TooLarge {
            bytes: length,
            limit,
        }),
        other => other,
    };
    if result.is_err() {
        bytes.truncate(start);
    }
    result
}

/// The output of a job with one input.
pub(crate) fn single_output<J: Job>(result: RawResult) -> Result<J::Output, JobError> {
    match result?.outcomes.into_iter().next() {
        Some(Outcome::Done(bytes)) => output::<J>(&bytes),
        // The ledger turns failures into errors.
        Some(Outcome::Failed(_) | Outcome::NotRun) | None => {
            Err(JobError::Lost("its report has no outcome".to_owned()))
        }
    }
}

/// Decodes an output. A panic in its `Deserialize` is an error of this output.
pub(crate) fn output<J: Job>(bytes: &[u8]) -> Result<J::Output, JobError> {
    match catch(|| decode::<J::Output>(bytes)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(why)) => Err(JobError::Output(not_decoded(&why))),
        Err(panic) => Err(JobError::Output(not_decoded(&format!(
            "its `Deserialize` panicked: {}",
            panic.message()
        )))),
    }
}
