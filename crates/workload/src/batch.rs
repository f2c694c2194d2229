//! The tasks of a workload, shared between the threads that do them.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::inputs::types::Inputs;
use crate::task::asynchronous::{AsyncIo, Offload, async_into, run_in_place, run_offloading};
use crate::task::blocking::{begin, blocking_into, run_stage};
use crate::task::failure::{Failure, Output};
use crate::task::log::merge::Lines;
use crate::task::progress::Carried;
use crate::task::surroundings::Surroundings;
use crate::trace::{Elsewhere, Pulse, Trace};

/// The tasks of one map, shared between threads.
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

    /// The same tasks, which record when and where they run. Only for the untimed trace.
    pub fn traced(&self, trace: Arc<Trace>) -> Batch {
        Batch {
            trace: Some(trace),
            ..self.with_snapshot(self.snapshot.clone())
        }
    }

    pub(crate) fn with_snapshot(&self, snapshot: Vec<u64>) -> Batch {
        Batch {
            inputs: Arc::clone(&self.inputs),
            surroundings: Arc::clone(&self.surroundings),
            snapshot,
            trace: self.trace.clone(),
            lines: self.lines.clone(),
        }
    }

    /// The same tasks, which pass on the lines of their logs as they find them. For a model with
    /// its own merge.
    pub fn feeding(&self, lines: Arc<dyn Lines>) -> Batch {
        Batch {
            lines: Some(lines),
            ..self.with_snapshot(self.snapshot.clone())
        }
    }

    /// The inputs of the batch.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The files and servers that its tasks need. A model that does tasks in another process has to
    /// pass them on.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The values of the previous generation, in order; empty except with the pattern `rounds`.
    /// They do not change during the life of the batch.
    pub fn snapshot(&self) -> &[u64] {
        &self.snapshot
    }

    /// Whether starts and completions are recorded: only in the untimed trace. A model that has to
    /// pay for learning these times checks this first.
    pub fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.inputs.tasks.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.inputs.tasks.is_empty()
    }

    /// Does a task on the calling thread.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_blocking`](crate::task::run_blocking); also if there is no task with this
    /// index.
    pub fn run(&self, index: usize) -> Output {
        match &self.trace {
            None => self.run_untraced(index),
            Some(trace) => self.run_traced(index, trace),
        }
    }

    /// Out of the way of the timed samples, which have one branch for it.
    #[cold]
    fn run_traced(&self, index: usize, trace: &Trace) -> Output {
        trace.begin(index);
        let output = self.run_untraced(index);
        trace.note(index, Duration::ZERO);
        output
    }

    fn run_untraced(&self, index: usize) -> Output {
        blocking_into(
            &self.inputs.tasks[index],
            self.len(),
            &self.snapshot,
            &self.surroundings,
            self.lines.as_deref(),
        )
    }

    /// Does a task as a future. In the trace it starts at its first poll, and its thread is the one
    /// that polls it first.
    ///
    /// # Errors, panics
    ///
    /// As with [`run_async`](crate::task::run_async); also if there is no task with this index.
    pub async fn run_async(&self, index: usize, io: &impl AsyncIo) -> Output {
        self.starts(index);
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

    /// Does a task as a future whose `compute` and `kernel` steps run in `offload`, so that they do
    /// not block the event loop.
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
        self.starts(index);
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

    /// The stages of the pipeline, in increasing order. Empty with any other pattern.
    pub fn stages(&self) -> Vec<usize> {
        let numbers = self.inputs.tasks.iter().flat_map(|task| &task.stages);
        numbers
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The state of a task before its first stage.
    ///
    /// # Panics
    ///
    /// If there is no task with this index.
    pub fn begin(&self, index: usize) -> Carried {
        begin(&self.inputs.tasks[index], self.len(), &self.snapshot)
    }

    /// Does one stage of a task on the calling thread. [`begin`](Self::begin), all
    /// [`stages`](Self::stages) in order, and [`end`](Self::end) together do the same as
    /// [`run`](Self::run). In the trace each stage has a span of its own.
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
        let stage_number = u32::try_from(stage).ok();
        let span = self.trace.as_ref().map(|trace| trace.open(stage_number));
        let carried = run_stage(
            &self.inputs.tasks[index],
            self.len(),
            &self.snapshot,
            &self.surroundings,
            stage,
            carried,
        );
        if let (Some(trace), Some(span)) = (&self.trace, span) {
            trace.close(span);
        }
        carried
    }

    /// The output of a task after all its stages.
    pub fn end(&self, index: usize, carried: &Carried) -> u64 {
        self.note(index);
        carried.value()
    }

    /// Records in the trace that a task is done; otherwise it costs nothing. [`run`](Self::run),
    /// [`run_async`](Self::run_async) and [`end`](Self::end) do so themselves: this is for tasks
    /// that were done elsewhere.
    ///
    /// # Panics
    ///
    /// In the trace, if there is no task with this index.
    pub fn note(&self, index: usize) {
        self.note_ago(index, Duration::ZERO);
    }

    /// [`note`](Self::note) for a task that was done `ago`, such as one in a bundle of results from
    /// another process. The time is at least that of the beginning of the sample.
    ///
    /// # Panics
    ///
    /// As with [`note`](Self::note).
    pub fn note_ago(&self, index: usize, ago: Duration) {
        if let Some(trace) = &self.trace {
            trace.note(index, ago);
        }
    }

    /// Records the spans of tasks that ran in other processes in the trace; otherwise it costs
    /// nothing. Their completions are recorded by [`note`](Self::note) or
    /// [`note_ago`](Self::note_ago).
    pub fn ran_elsewhere(&self, spans: Vec<Elsewhere>) {
        if let Some(trace) = &self.trace {
            trace.add(spans);
        }
    }

    /// Records in the trace that a task starts on the calling thread.
    fn starts(&self, index: usize) {
        if let Some(trace) = &self.trace {
            trace.begin(index);
        }
    }

    /// Records a figure of the model in the trace's `metrics` (in `results.json`); otherwise it
    /// costs nothing. The last value of a name counts.
    pub fn metric(&self, name: &str, value: f64) {
        if let Some(trace) = &self.trace {
            trace.metric(name, value);
        }
    }

    /// A probe of the delay of an event loop's timers; only in the trace, so that no timed sample
    /// pays for it.
    pub fn pulse(&self) -> Option<Pulse> {
        self.trace
            .as_ref()
            .map(|trace| Pulse::new(Arc::clone(trace)))
    }
}

/// Does a task; a panic becomes its error.
pub(crate) fn catch_panic(batch: &Batch, index: usize) -> Output {
    catch_unwind(AssertUnwindSafe(|| batch.run(index))).unwrap_or_else(|payload| {
        let words = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a payload that is not text");
        Err(Failure::new(format_args!("panicked: {words}")))
    })
}
