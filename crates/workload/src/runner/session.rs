//! The session of a runner: from each request to its reply, without I/O.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use workload_kernels::compute;

use super::channel::not_a_request;
use super::extras::Extras;
use super::{rehearsal, serving};
use crate::batch::{Batch, catch_panic};
use crate::definition::types::Pattern;
use crate::inputs;
use crate::job::{self, Loaded};
use crate::model::{Model, Outputs};
use crate::protocol::{Hello, Load, PROTOCOL, Recorded, Reply, Request, Sample, Sources};
use crate::recorder::Recorder;
use crate::task::failure::{Failure, Output};
use crate::task::surroundings::Surroundings;
use crate::trace::Trace;
use crate::usage;
use crate::value::digest_outputs;

/// The result of a line.
pub(super) enum Outcome {
    Reply(Reply),
    Quit,
}

/// A model, and the workload that it has loaded.
pub(super) struct Session<M: Model> {
    model: M,
    extras: Extras,
    loaded: Option<(M::Ready, Arc<Batch>)>,
    /// The sources of that workload.
    sources: Option<Sources>,
    /// For the first trace, so that its memory is there before.
    recorder: Option<Recorder>,
}

impl<M: Model> Session<M> {
    pub(super) fn new(model: M, extras: Extras) -> Session<M> {
        Session {
            model,
            extras,
            loaded: None,
            sources: None,
            recorder: Some(Recorder::resident()),
        }
    }

    /// Answers a line, or a failure to read one.
    pub(super) fn answer(&mut self, line: Result<String, Failure>) -> Outcome {
        let request = line.and_then(|line| serde_json::from_str(&line).map_err(not_a_request));
        let request = match request {
            Ok(Request::Quit) => return Outcome::Quit,
            Ok(request) => request,
            Err(failure) => return Outcome::Reply(failed(failure)),
        };
        Outcome::Reply(self.reply(request).unwrap_or_else(failed))
    }

    fn reply(&mut self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Hello { protocol: PROTOCOL } => Ok(Reply::Hello(self.hello())),
            Request::Hello { protocol } => Err(Failure::new(format_args!(
                "this runner speaks version {PROTOCOL} of the protocol, not {protocol}"
            ))),
            Request::Calibrate if self.extras.referee => Ok(Reply::Calibrated {
                iterations_per_us: calibrate(),
            }),
            Request::Reference(sources) if self.extras.referee => reference(&sources),
            Request::Rehearse(sources) if self.extras.referee => {
                rehearsal::rehearse(&batch(&sources)?)
            }
            Request::Calibrate | Request::Reference(_) | Request::Rehearse(_) => {
                Err(Failure::new("this runner is not a referee"))
            }
            Request::Load(load) => self.load(load),
            Request::Sample => self.sample(),
            Request::Trace => self.trace(),
            Request::Quit => Err(Failure::new("quit has no reply")),
        }
    }

    fn hello(&self) -> Hello {
        let description = self.model.describe();
        let can: &[&str] = if self.extras.referee {
            &["calibrate", "reference", "rehearse"]
        } else {
            &[]
        };
        Hello {
            protocol: PROTOCOL,
            name: description.name.to_owned(),
            version: description.version,
            variants: description.variants,
            can: can.iter().map(|request| (*request).to_owned()).collect(),
            // The thread that reads requests.
            own_threads: 1,
            job: job::about(),
        }
    }

    fn load(&mut self, load: Load) -> Result<Reply, Failure> {
        // Dropped before the next one is made, so that two pools never exist at once.
        self.loaded = None;
        if !self
            .model
            .describe()
            .variants
            .iter()
            .any(|variant| variant.name == load.variant)
        {
            return Err(Failure::new(format_args!(
                "there is no variant `{}` here",
                load.variant
            )));
        }
        let batch = batch(&load.sources)?;
        if matches!(batch.inputs().header.pattern, Pattern::Serve { .. })
            && let Err(reason) = self.model.serves(&load.variant)
        {
            return Ok(Reply::Unsupported { reason: reason.0 });
        }
        if let Err(reason) = self.model.supports(&load.variant, &batch.inputs().header) {
            return Ok(Reply::Unsupported { reason: reason.0 });
        }
        let start = Instant::now();
        let ready = self
            .model
            .prepare(&load.variant, batch.inputs(), load.workers.max(1))?;
        let setup_ns = elapsed_ns(start);
        let job = batch.surroundings().job.calls();
        let calls = job.and_then(|_| self.model.calls(&load.variant, &batch));
        self.loaded = Some((ready, Arc::new(batch)));
        self.sources = Some(load.sources);
        Ok(Reply::Loaded { setup_ns, calls })
    }

    fn sample(&mut self) -> Result<Reply, Failure> {
        let (ready, batch) = self.loaded.as_mut().ok_or_else(nothing_loaded)?;
        let before = usage::at_begin();
        if let (Pattern::Serve { .. }, Some(sources)) =
            (batch.inputs().header.pattern, &self.sources)
        {
            let served = serving::once(&self.model, ready, batch, sources, None)?;
            return Ok(Reply::Sample(Sample {
                usage: Some(usage::between(before, usage::at_end())),
                ..served
            }));
        }
        let start = Instant::now();
        let outputs = self.model.run(ready, batch);
        let wall_ns = elapsed_ns(start);
        let usage = usage::between(before, usage::at_end());
        Ok(Reply::Sample(Sample {
            digest: digest(outputs)?,
            wall_ns,
            usage: Some(usage),
            metrics: BTreeMap::new(),
        }))
    }

    fn trace(&mut self) -> Result<Reply, Failure> {
        let (ready, batch) = self.loaded.as_mut().ok_or_else(nothing_loaded)?;
        let recorder = self.recorder.take().unwrap_or_default();
        if let (Pattern::Serve { .. }, Some(sources)) =
            (batch.inputs().header.pattern, &self.sources)
        {
            let trace = Arc::new(Trace::with(recorder, 0));
            let served = serving::once(&self.model, ready, batch, sources, Some(&trace))?;
            return Ok(Reply::Trace {
                digest: served.digest,
                metrics: served.metrics,
                timeline: recorded(&trace),
            });
        }
        let trace = Arc::new(Trace::with(recorder, batch.len()));
        let outputs = self
            .model
            .run(ready, &Arc::new(batch.traced(Arc::clone(&trace))));
        let timeline = recorded(&trace);
        let metrics = trace.metrics();
        Ok(Reply::Trace {
            digest: digest(outputs)?,
            metrics,
            timeline,
        })
    }
}

/// The timeline of the sample that has just ended; `None` if no task ran.
fn recorded(trace: &Trace) -> Option<Recorded> {
    let timeline = trace.timeline();
    (timeline.tasks > 0).then_some(Recorded::Timeline(timeline))
}

fn failed(failure: impl std::fmt::Display) -> Reply {
    Reply::Failed {
        error: Failure::new(failure).to_string(),
    }
}

fn nothing_loaded() -> Failure {
    Failure::new("nothing is loaded: `load` comes first")
}

fn elapsed_ns(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn batch(sources: &Sources) -> Result<Batch, Failure> {
    let inputs = inputs::read(&sources.inputs).map_err(Failure::new)?;
    let surroundings = Surroundings {
        job: Loaded::of(&inputs)?,
        ..surroundings(sources)
    };
    Ok(Batch::new(Arc::new(inputs), surroundings))
}

fn surroundings(sources: &Sources) -> Surroundings {
    let inputs = std::path::absolute(&sources.inputs).unwrap_or_default();
    Surroundings {
        files: sources.files.clone().unwrap_or_default(),
        origin: sources.origin,
        // A server cannot name a folder whose name is not UTF-8.
        logs: inputs
            .parent()
            .filter(|folder| folder.to_str().is_some())
            .map(Path::to_owned)
            .unwrap_or_default(),
        job: Loaded::default(),
    }
}

/// The digest of the outputs, or the first failure among them.
fn digest(outputs: Outputs) -> Result<u64, Failure> {
    let mut values = Vec::with_capacity(outputs.len());
    for (index, output) in outputs.into_iter().enumerate() {
        values
            .push(output.map_err(|failure| Failure::new(format_args!("task {index}: {failure}")))?);
    }
    Ok(digest_outputs(values))
}

/// Iterations of the `compute` step per microsecond: the best of many short runs, since a
/// disturbance only makes a run slower. Each takes a fraction of a millisecond, so that even on a
/// busy machine a few fit between two turns of the scheduler.
fn calibrate() -> u64 {
    const RUNS: usize = 400;
    const ITERATIONS: u64 = 100_000;
    let mut value = 1;
    let best_ns = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            value = compute(value, ITERATIONS);
            elapsed_ns(start)
        })
        .min()
        .unwrap_or(1);
    // The value is used, so that the loop is not optimised away.
    std::hint::black_box(value);
    (ITERATIONS * 1000 / best_ns.max(1)).max(1)
}

/// Computes the digest that all must share: every task, on all processors, without the waits, which
/// do not affect it.
fn reference(sources: &Sources) -> Result<Reply, Failure> {
    let mut full = inputs::read(&sources.inputs).map_err(Failure::new)?;
    if job::is_called(&full) {
        return rehearsal::reference(&batch(sources)?);
    }
    for step in full.tasks.iter_mut().flat_map(|task| &mut task.steps) {
        match step {
            inputs::Step::Wait { ns } => *ns = 0,
            inputs::Step::Fetch { delay_ns, .. } => *delay_ns = 0,
            inputs::Step::Tail { over_ns, .. } => *over_ns = 0,
            _ => {}
        }
    }
    let batch = Arc::new(Batch::new(Arc::new(full), surroundings(sources)));
    let once = || -> Result<(u64, u64, u64), Failure> {
        let before = usage::at_begin();
        let referee = Referee::default();
        let outputs = referee.run(&mut (), &batch);
        let cpu_ns = usage::between(before, usage::at_end()).cpu_ns;
        let waited_ns = referee.with_programs_ns.into_inner().saturating_sub(cpu_ns);
        Ok((digest(outputs)?, cpu_ns, waited_ns))
    };
    let (digest, mut cpu_ns, mut waited_ns) = once()?;
    // A small amount of work takes several times as long cold as warm.
    if cpu_ns < WARM_NS {
        let (_, warm_ns, waited_warm_ns) = once()?;
        cpu_ns = cpu_ns.min(warm_ns);
        waited_ns = waited_ns.min(waited_warm_ns);
    }
    Ok(Reply::Reference {
        digest,
        cpu_ns,
        waited_ns,
    })
}

/// Work that takes at least this much CPU time, in nanoseconds, is not measured a second time.
const WARM_NS: u64 = 50_000_000;

/// Work that takes less than this is done on one thread: starting more of them for each generation
/// would cost more than the work, and their CPU time would be added to it.
const ALONE: Duration = Duration::from_millis(1);

/// A model that strides over all processors: simple enough to be right, and quick enough for
/// workloads that `sequential` cannot do within its time.
#[derive(Default)]
struct Referee {
    /// The total time of the tasks that start programs. The part without CPU time is waiting.
    with_programs_ns: AtomicU64,
}

impl Referee {
    fn task(&self, batch: &Batch, index: usize) -> Output {
        let mut steps = batch.inputs().tasks[index].steps.iter();
        if !steps.any(|step| matches!(step, inputs::Step::Exec { .. })) {
            return catch_panic(batch, index);
        }
        let begin = Instant::now();
        let output = catch_panic(batch, index);
        let took = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.with_programs_ns.fetch_add(took, Ordering::Relaxed);
        output
    }
}

impl Model for Referee {
    type Ready = ();

    fn describe(&self) -> crate::model::Description {
        crate::sequential::Sequential.describe()
    }

    fn prepare(&self, _: &str, _: &inputs::Inputs, _: usize) -> Result<(), Failure> {
        Ok(())
    }

    fn map(&self, (): &mut (), batch: &Arc<Batch>) -> Outputs {
        let begin = Instant::now();
        let mut outputs: Outputs = Vec::with_capacity(batch.len());
        while outputs.len() < batch.len() && begin.elapsed() < ALONE {
            outputs.push(self.task(batch, outputs.len()));
        }
        let done = outputs.len();
        if done == batch.len() {
            return outputs;
        }
        let strides = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        outputs.resize_with(batch.len(), || Err(Failure::new("not done")));
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..strides)
                .map(|first| {
                    scope.spawn(move || {
                        (done + first..batch.len())
                            .step_by(strides)
                            .map(|i| (i, self.task(batch, i)))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            for worker in workers {
                for (index, output) in worker.join().unwrap_or_default() {
                    outputs[index] = output;
                }
            }
        });
        outputs
    }
}
