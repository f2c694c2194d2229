//! The trait that a concurrency model implements to be compared.

use std::net::TcpListener;
use std::sync::Arc;

use crate::definition::types::{Pattern, Talk, requests};
use crate::inputs::types::{Header, Inputs};
use crate::protocol::Variant;
use crate::serve::guessing;
use crate::serve::service::Service;
use crate::task::failure::{Failure, Output};
use crate::task::log::merge::Merge;
use crate::value::key;

pub use crate::batch::Batch;
#[doc(hidden)]
pub use crate::trace::Trace as Completions;

/// The outputs of a sample, in input order.
pub type Outputs = Vec<Output>;

/// The reason why a model does not support a workload, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

/// The description of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Its name in every table.
    pub name: &'static str,
    /// The version of the library it is built on, which the figures apply to.
    pub version: String,
    /// Its variants, the default one first.
    pub variants: Vec<Variant>,
}

/// A concurrency model in the comparison.
///
/// Only [`map`](Model::map) is required. The other patterns are implemented with it, and a model
/// overrides those that it is built for.
pub trait Model {
    /// The state that all samples reuse: a pool, a runtime.
    type Ready;

    /// The name, version and variants.
    fn describe(&self) -> Description;

    /// Whether this variant supports the workload.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    fn supports(&self, variant: &str, workload: &Header) -> Result<(), Reason> {
        let _ = (variant, workload);
        Ok(())
    }

    /// Whether this variant serves requests: the pattern `serve`, which has no default
    /// implementation.
    ///
    /// # Errors
    ///
    /// The reason why it does not.
    fn serves(&self, variant: &str) -> Result<(), Reason> {
        let _ = variant;
        Err(Reason("this model has no server".to_owned()))
    }

    /// Accepts all sessions of the service and serves each until its client closes it.
    ///
    /// # Errors
    ///
    /// If the server fails. A failure of one connection only ends that connection.
    fn serve(
        &self,
        ready: &mut Self::Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let _ = (ready, service, listener);
        Err(Failure::new("this model has no server"))
    }

    /// Makes the state that samples reuse.
    ///
    /// # Errors
    ///
    /// If the system refuses threads or other resources.
    fn prepare(
        &self,
        variant: &str,
        inputs: &Inputs,
        workers: usize,
    ) -> Result<Self::Ready, Failure>;

    /// Which form of a job's function this variant calls, and where, in a few words: `None` if its
    /// workers call `run`. Asked only if tasks call one.
    fn calls(&self, variant: &str, batch: &Batch) -> Option<String> {
        let _ = (variant, batch);
        None
    }

    /// Does every task of the batch once and returns one output per task, in order. A task that
    /// panics is an error in its own place.
    fn map(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Outputs;

    /// The outputs after the last generation: one map over a snapshot per generation.
    fn rounds(&self, ready: &mut Self::Ready, batch: &Arc<Batch>, generations: u32) -> Outputs {
        let mut snapshot: Vec<u64> = batch.inputs().tasks.iter().map(|task| task.seed).collect();
        let mut outputs = snapshot.iter().copied().map(Ok).collect();
        for _ in 0..generations {
            outputs = self.map(ready, &Arc::new(batch.with_snapshot(snapshot)));
            match outputs.iter().cloned().collect() {
                Ok(values) => snapshot = values,
                // A failed cell has no value for the next generation.
                Err(_) => return outputs,
            }
        }
        outputs
    }

    /// The sum of all outputs.
    fn fold(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Output {
        self.map(ready, batch)
            .into_iter()
            .try_fold(0u64, |sum, output| Ok(sum.wrapping_add(output?)))
    }

    /// The number of outputs for each key, in the order of the keys: a map, then counted by one
    /// thread.
    ///
    /// # Errors
    ///
    /// The failure of the first failed task.
    fn histogram(
        &self,
        ready: &mut Self::Ready,
        batch: &Arc<Batch>,
        keys: usize,
    ) -> Result<Vec<u64>, Failure> {
        let mut counts = vec![0; keys];
        for output in self.map(ready, batch) {
            counts[key(output?, keys)] += 1;
        }
        Ok(counts)
    }

    /// The outputs of `map`, and one more: the digest of the lines of all logs, ordered by time.
    /// The thread that finds a line merges it, under a lock.
    fn merge(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Outputs {
        let merge = Arc::new(Merge::new(batch.len()));
        let lines = Arc::clone(&merge);
        let mut outputs = self.map(ready, &Arc::new(batch.feeding(lines)));
        outputs.push(merge.digest());
        outputs
    }

    /// Runs every task through its stages, with at most `buffer` items between two stages.
    fn pipeline(&self, ready: &mut Self::Ready, batch: &Arc<Batch>, buffer: usize) -> Outputs {
        let _ = buffer;
        self.map(ready, batch)
    }

    /// One sample of any pattern. With the pattern `serve`, the expected answers, without a server.
    fn run(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Outputs {
        match batch.inputs().header.pattern {
            Pattern::Map => self.map(ready, batch),
            Pattern::Rounds { generations } => self.rounds(ready, batch, generations),
            Pattern::Fold => vec![self.fold(ready, batch)],
            Pattern::Histogram { keys } => match self.histogram(ready, batch, keys) {
                Ok(counts) => counts.into_iter().map(Ok).collect(),
                Err(failure) => vec![Err(failure)],
            },
            Pattern::Merge => self.merge(ready, batch),
            Pattern::Pipeline { buffer } => self.pipeline(ready, batch, buffer),
            Pattern::Serve {
                rate,
                seconds,
                talk,
                ..
            } => {
                let asked = requests(rate, seconds).min(batch.len());
                let mut outputs = match talk {
                    Talk::Tasks => self.map(ready, batch),
                    Talk::Guess => {
                        let tasks = batch.inputs().tasks.iter();
                        tasks.map(|task| Ok(guessing::value(task.seed))).collect()
                    }
                };
                outputs.truncate(asked);
                outputs
            }
        }
    }
}
