//! What a concurrency model has to offer to be compared.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use crate::definition::{Pattern, Talk, requests};
use crate::inputs::{Header, Inputs};
use crate::protocol::Variant;
use crate::serve::{self, Service};
use crate::task::{
    AsyncIo, Carried, Failure, Lines, Merge, Offload, Output, Surroundings, async_into, begin,
    blocking_into, run_in_place, run_offloading, run_stage,
};
use crate::trace::{Pulse, Trace};
use crate::value::key;

#[doc(hidden)]
pub use crate::trace::Trace as Completions;

/// The outputs of a sample, in input order.
pub type Outputs = Vec<Output>;

/// Why a model does not do a workload: words that teach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

/// Who a model is.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Its name in every table.
    pub name: &'static str,
    /// The version of what it is built on, which is what a figure stands for.
    pub version: String,
    /// Its variants, the default one first.
    pub variants: Vec<Variant>,
}

/// A concurrency model in the comparison.
///
/// Only [`map`](Model::map) has to be written; the other patterns rest on it and are overridden where a
/// model is built for more.
pub trait Model {
    /// What is made once and reused by all samples: a pool, a runtime.
    type Ready;

    /// Name, version, variants.
    fn describe(&self) -> Description;

    /// Whether this variant can do the workload.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    fn supports(&self, variant: &str, workload: &Header) -> Result<(), Reason> {
        let _ = (variant, workload);
        Ok(())
    }

    /// Whether this variant answers requests: the pattern `serve`, which has no default.
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
    /// When it could not; what happens on one connection is that connection's affair.
    fn serve(
        &self,
        ready: &mut Self::Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let _ = (ready, service, listener);
        Err(Failure::new("this model has no server"))
    }

    /// Makes what the samples reuse.
    ///
    /// # Errors
    ///
    /// When the system refuses threads or the like.
    fn prepare(
        &self,
        variant: &str,
        inputs: &Inputs,
        workers: usize,
    ) -> Result<Self::Ready, Failure>;

    /// Does every task of the batch once: one output per task, in order. A task that panics is an error in
    /// its own place.
    fn map(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Outputs;

    /// The outputs after the last generation: a map over a snapshot, generation by generation.
    fn rounds(&self, ready: &mut Self::Ready, batch: &Arc<Batch>, generations: u32) -> Outputs {
        let mut snapshot: Vec<u64> = batch.inputs().tasks.iter().map(|task| task.seed).collect();
        let mut outputs = snapshot.iter().copied().map(Ok).collect();
        for _ in 0..generations {
            outputs = self.map(ready, &Arc::new(batch.with_snapshot(snapshot)));
            match outputs.iter().cloned().collect() {
                Ok(values) => snapshot = values,
                // A failed cell has no value to go on from.
                Err(_) => return outputs,
            }
        }
        outputs
    }

    /// All outputs added up, as one.
    fn fold(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Output {
        self.map(ready, batch)
            .into_iter()
            .try_fold(0u64, |sum, output| Ok(sum.wrapping_add(output?)))
    }

    /// How many outputs fall on each of the keys, in the order of the keys: a map, then counted by one thread.
    ///
    /// # Errors
    ///
    /// The failure of the first task that failed.
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

    /// What `map` gives, and one more: the digest of all lines of all logs, in the order of their time. Merged by whoever
    /// finds a line, under a lock.
    fn merge(&self, ready: &mut Self::Ready, batch: &Arc<Batch>) -> Outputs {
        let merge = Arc::new(Merge::new(batch.len()));
        let lines = Arc::clone(&merge);
        let mut outputs = self.map(ready, &Arc::new(batch.feeding(lines)));
        outputs.push(merge.digest());
        outputs
    }

    /// Every task through its stages; at most `buffer` items between two of them.
    fn pipeline(&self, ready: &mut Self::Ready, batch: &Arc<Batch>, buffer: usize) -> Outputs {
        let _ = buffer;
        self.map(ready, batch)
    }

    /// One sample, whatever its pattern; of the pattern `serve`, what its clients must be told, without a server.
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
                        tasks.map(|task| Ok(serve::value(task.seed))).collect()
                    }
                };
                outputs.truncate(asked);
                outputs
            }
        }
    }
}

/// The tasks of one map, to be shared between threads.
#[derive(Debug)]
pub struct Batch {
    inputs: Arc<Inputs>,
    surroundings: Arc<Surroundings>,
    snapshot: Vec<u64>,
    trace: Option<Arc<Trace>>,
    lines: Option<Arc<dyn Lines>>,
}

impl Batch {
    /// A batch of all tasks.
    pub fn new(inputs: Arc<Inputs>, surroundings: Surroundings) -> Batch {
        Batch {
            inputs,
            surroundings: Arc::new(surroundings),
            snapshot: Vec::new(),
            trace: None,
            lines: None,
        }
    }

    /// The same tasks, which note when they are done. For the untimed trace only.
    pub fn traced(&self, trace: Arc<Trace>) -> Batch {
        Batch {
            trace: Some(trace),
            ..self.with_snapshot(self.snapshot.clone())
        }
    }

    fn with_snapshot(&self, snapshot: Vec<u64>) -> Batch {
        Batch {
            inputs: Arc::clone(&self.inputs),
            surroundings: Arc::clone(&self.surroundings),
            snapshot,
            trace: self.trace.clone(),
            lines: self.lines.clone(),
        }
    }

    /// The same tasks, which hand on what they find in their logs as they find it. For a model with a merge of its own.
    pub fn feeding(&self, lines: Arc<dyn Lines>) -> Batch {
        Batch {
            lines: Some(lines),
            ..self.with_snapshot(self.snapshot.clone())
        }
    }

    /// The inputs it is made of.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Where its tasks find what they need. Who does them in another process has to tell it there.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The values of the generation before, in order; empty but for the pattern `rounds`. They stay as they are as long
    /// as the batch lives.
    pub fn snapshot(&self) -> &[u64] {
        &self.snapshot
    }

    /// Whether it notes when its tasks are done: only in the untimed trace. Who has to pay for knowing when that was asks
    /// here first.
    pub fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.inputs.tasks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inputs.tasks.is_empty()
    }

    /// Does a task on the calling thread.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_blocking`](crate::task::run_blocking); also if there is no task with this index.
    pub fn run(&self, index: usize) -> Output {
        let output = blocking_into(
            &self.inputs.tasks[index],
            self.len(),
            &self.snapshot,
            &self.surroundings,
            self.lines.as_deref(),
        );
        self.note(index);
        output
    }

    /// Does a task as a future.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_async`](crate::task::run_async); also if there is no task with this index.
    pub async fn run_async(&self, index: usize, io: &impl AsyncIo) -> Output {
        let output = async_into(
            &self.inputs.tasks[index],
            self.len(),
            &self.snapshot,
            &self.surroundings,
            io,
            self.lines.as_deref(),
        )
        .await;
        self.note(index);
        output
    }

    /// Does a task as a future whose `compute` and `kernel` steps go through `offload` and so leave the event loop alone.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_offloading`]; also if there is no task with this index.
    pub async fn run_offloading(
        self: &Arc<Batch>,
        index: usize,
        io: &impl AsyncIo,
        offload: &impl Offload,
    ) -> Output {
        let task = &self.inputs.tasks[index];
        let in_place = |step: usize, carried| {
            let batch = Arc::clone(self);
            move || {
                let task = &batch.inputs.tasks[index];
                run_in_place(task, batch.len(), &batch.snapshot, step, carried)
            }
        };
        let output = run_offloading(
            task,
            begin(task, self.len(), &self.snapshot),
            &self.surroundings,
            self.lines.as_deref(),
            io,
            |step, carried| offload.offload(in_place(step, carried)),
        )
        .await;
        self.note(index);
        output
    }

    /// The stages of the pipeline: the numbers that any step has, in rising order. None with any other pattern.
    pub fn stages(&self) -> Vec<usize> {
        let numbers = self.inputs.tasks.iter().flat_map(|task| &task.stages);
        numbers
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// A task that is to go through the stages one by one: what it carries into the first.
    ///
    /// # Panics
    ///
    /// If there is no task with this index.
    pub fn begin(&self, index: usize) -> Carried {
        begin(&self.inputs.tasks[index], self.len(), &self.snapshot)
    }

    /// Does one stage of a task on the calling thread. All [`stages`](Self::stages) in order, from what
    /// [`begin`](Self::begin) gives to [`end`](Self::end), do what [`run`](Self::run) does.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_stage`]; also if there is no task with this index.
    pub fn run_stage(
        &self,
        index: usize,
        stage: usize,
        carried: Carried,
    ) -> Result<Carried, Failure> {
        run_stage(
            &self.inputs.tasks[index],
            self.len(),
            &self.snapshot,
            &self.surroundings,
            stage,
            carried,
        )
    }

    /// The output of a task that has gone through all its stages.
    pub fn end(&self, index: usize, carried: &Carried) -> u64 {
        self.note(index);
        carried.value()
    }

    /// Notes that a task is done, in the trace; otherwise it costs nothing. [`run`](Self::run),
    /// [`run_async`](Self::run_async) and [`end`](Self::end) do it themselves: this is for tasks that were done somewhere
    /// else.
    ///
    /// # Panics
    ///
    /// In the trace, if there is no task with this index.
    pub fn note(&self, index: usize) {
        self.note_ago(index, Duration::ZERO);
    }

    /// [`note`](Self::note) for a task that was done that long ago: what comes back from another process in bulk. Never
    /// before the beginning of the sample.
    ///
    /// # Panics
    ///
    /// As with [`note`](Self::note).
    pub fn note_ago(&self, index: usize, ago: Duration) {
        if let Some(trace) = &self.trace {
            trace.note(index, ago);
        }
    }

    /// A figure of the model's own, for the trace's `metrics` (in `results.json`); otherwise it costs nothing. The last one
    /// of a name counts.
    pub fn metric(&self, name: &str, value: f64) {
        if let Some(trace) = &self.trace {
            trace.metric(name, value);
        }
    }

    /// What feels how late an event loop comes to its timers; in the trace only, so that no timed sample pays for it.
    pub fn pulse(&self) -> Option<Pulse> {
        self.trace
            .as_ref()
            .map(|trace| Pulse::new(Arc::clone(trace)))
    }
}
