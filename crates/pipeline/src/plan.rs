//! The plan of a run: its buffers and threads.

use std::io;
use std::sync::Arc;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::counts::{Gauge, MAX_WORKERS, all_workers};
use crate::error::{BuildError, Cause, PipelineError};
use crate::handle::Shared;
use crate::outputs::Drain;
use crate::protocols::buffer::Buffer;
use crate::protocols::window::Window;
use crate::sync::{Mutex, lock};
use crate::worker::{Context, Entry, Source, Worker};

/// Larger batches are no faster.
const MAX_BATCH: usize = 64;

/// The settings, without the stages.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) buffer: usize,
    pub(crate) ordered: bool,
    pub(crate) keep_going: bool,
    pub(crate) deadline: Option<Duration>,
    pub(crate) stack_size: Option<usize>,
}

/// A thread of the run, not yet started.
struct ThreadPlan<'f> {
    name: String,
    work: Work<'f>,
}

type Work<'f> = Box<dyn FnOnce() + Send + 'f>;

/// A run under construction, stage by stage.
pub(crate) struct Plan<'f> {
    context: Context,
    settings: Settings,
    stages: Vec<Arc<Gauge>>,
    /// The number of stages that have their workers.
    wired: usize,
    to_start: Vec<ThreadPlan<'f>>,
}

/// A run ready to start.
pub(crate) struct Planned<'f, O> {
    to_start: Vec<ThreadPlan<'f>>,
    drain: Drain<O>,
    stack_size: Option<usize>,
}

/// Splits a buffer for `size` items. Each of `takers` takes at most `batch` at once, processes one
/// of them and keeps the others waiting. The shared `room` is the rest of `size`, so that at most
/// `size` items wait in all.
fn split(size: usize, takers: usize) -> (usize, usize) {
    let batch = (size / (2 * takers)).clamp(1, MAX_BATCH);
    (size - takers * (batch - 1), batch)
}

impl<'f> Plan<'f> {
    /// # Errors
    /// A setting that cannot work.
    pub(crate) fn new(shared: &Arc<Shared>, settings: Settings) -> Result<Self, BuildError> {
        let stages = shared.gauges().stages.clone();
        if let Some(stage) = stages.iter().find(|stage| stage.workers == 0) {
            return Err(BuildError::NoWorkers {
                stage: stage.name.to_string(),
            });
        }
        let workers = all_workers(&stages);
        if workers > MAX_WORKERS {
            return Err(BuildError::TooManyWorkers(workers));
        }
        if settings.buffer == 0 {
            return Err(BuildError::NoBuffer);
        }
        Ok(Self {
            context: Context {
                shared: Arc::clone(shared),
                // A deadline beyond the range of the clock is none.
                deadline: settings
                    .deadline
                    .and_then(|time| Instant::now().checked_add(time)),
                keep_going: settings.keep_going,
                ordered: settings.ordered,
            },
            settings,
            stages,
            wired: 0,
            to_start: Vec::new(),
        })
    }

    /// The number of threads that take from the buffer in front of the next stage; after the last
    /// stage it is the consumer.
    fn takers(&self) -> usize {
        self.stages.get(self.wired).map_or(1, |stage| stage.workers)
    }

    fn buffer<T>(&self, putters: usize) -> Arc<Buffer<Entry<T>>> {
        let takers = self.takers();
        let (room, _) = split(self.settings.buffer, takers);
        Arc::new(Buffer::new(room, putters, takers))
    }

    /// The buffer in front of the first stage.
    pub(crate) fn entrance<T>(&self) -> Arc<Buffer<Entry<T>>> {
        self.buffer(1)
    }

    /// Adds the workers of the next stage, and returns the buffer that they fill.
    pub(crate) fn add_stage<A, B, F>(
        &mut self,
        input: &Arc<Buffer<Entry<A>>>,
        work: F,
    ) -> Arc<Buffer<Entry<B>>>
    where
        A: Send + 'f,
        B: Send + 'f,
        F: Fn(A) -> Result<B, Cause> + Send + Sync + 'f,
    {
        let stage = Arc::clone(&self.stages[self.wired]);
        let workers = stage.workers;
        let (_, batch) = split(self.settings.buffer, workers);
        self.wired += 1;
        let output = self.buffer(workers);
        let work = Arc::new(work);
        for number in 0..workers {
            let worker = Worker {
                context: self.context.clone(),
                stage: Arc::clone(&stage),
                number,
                batch,
                input: Arc::clone(input),
                output: Arc::clone(&output),
                work: Arc::clone(&work),
            };
            self.to_start.push(ThreadPlan {
                name: format!("{}-{number}", stage.name),
                work: Box::new(move || worker.run()),
            });
        }
        output
    }

    /// Adds the source and the consumer.
    pub(crate) fn finish<'run, I, O>(
        self,
        inputs: I,
        entrance: Arc<Buffer<Entry<I::Item>>>,
        exit: Arc<Buffer<Entry<O>>>,
    ) -> Planned<'run, O>
    where
        I: Iterator<Item: Send> + Send + 'run,
        'f: 'run,
    {
        let Settings {
            buffer, ordered, ..
        } = self.settings;
        // A single worker per stage keeps the order by itself.
        let overtaking = self.stages.iter().any(|stage| stage.workers > 1);
        let window =
            (ordered && overtaking).then(|| Arc::new(Window::new(in_flight(buffer, &self.stages))));
        let source = Source {
            context: self.context.clone(),
            inputs,
            window: window.clone(),
            output: entrance,
        };
        // The source comes last, so that nothing is pulled if the system refuses a thread.
        let mut to_start: Vec<ThreadPlan<'run>> = self.to_start;
        to_start.push(ThreadPlan {
            name: "inputs".to_owned(),
            work: Box::new(move || source.run()),
        });
        let (_, batch) = split(buffer, 1);
        Planned {
            to_start,
            drain: Drain::new(self.context.clone(), exit, batch, window),
            stack_size: self.settings.stack_size,
        }
    }
}

/// The maximum number of items between the inputs and the consumer: full buffers, one item per
/// worker, and one that was pulled and waits for room.
fn in_flight(buffer: usize, stages: &[Arc<Gauge>]) -> usize {
    (stages.len() + 1)
        .saturating_mul(buffer)
        .saturating_add(all_workers(stages) + 1)
}

impl<'f, O> Planned<'f, O> {
    /// Starts all threads with `spawn`.
    ///
    /// # Errors
    /// If the system refuses a thread. The run has then been stopped, so that the threads that did
    /// start end, and the iterator of the inputs has been dropped unused.
    pub(crate) fn start<T>(
        self,
        spawn: impl Fn(Builder, Work<'f>) -> io::Result<T>,
    ) -> Result<Started<O, T>, (PipelineError, Vec<T>)> {
        let Self {
            to_start,
            mut drain,
            stack_size,
        } = self;
        let wanted = to_start.len();
        let mut threads = Vec::with_capacity(wanted);
        let mut retries = Retries::default();
        for thread in to_start {
            match thread.start(stack_size, &mut retries, &spawn) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    drain.stop();
                    let refused = PipelineError::Refused {
                        started: threads.len(),
                        wanted,
                        error,
                    };
                    return Err((refused, threads));
                }
            }
        }
        Ok(Started { drain, threads })
    }
}

impl<'f> ThreadPlan<'f> {
    /// # Errors
    /// If the system still refuses the thread when the time for retries is over.
    fn start<T>(
        self,
        stack_size: Option<usize>,
        retries: &mut Retries,
        spawn: impl Fn(Builder, Work<'f>) -> io::Result<T>,
    ) -> io::Result<T> {
        // A refused spawn drops its closure, so the work stays here.
        let slot = Arc::new(Mutex::new(Some(self.work)));
        loop {
            let mut builder = Builder::new();
            // No system accepts a thread name with a NUL byte.
            if !self.name.contains('\0') {
                builder = builder.name(self.name.clone());
            }
            if let Some(bytes) = stack_size {
                builder = builder.stack_size(bytes);
            }
            let work = Arc::clone(&slot);
            let run = move || {
                let taken = lock(&work).take();
                drop(work);
                if let Some(work) = taken {
                    work();
                }
            };
            match spawn(builder, Box::new(run)) {
                Err(_) if retries.time_is_left() => thread::sleep(RETRY_EVERY),
                result => return result,
            }
        }
    }
}

/// How long a run keeps asking for threads after the first refusal. The kernel frees the stack of
/// an ended thread a little after the join, so one refusal means nothing yet.
const RETRY_TIME: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Retries {
    refused: Option<Instant>,
}

impl Retries {
    fn time_is_left(&mut self) -> bool {
        self.refused.get_or_insert_with(Instant::now).elapsed() < RETRY_TIME
    }
}

/// A run that has started.
pub(crate) struct Started<O, T> {
    pub(crate) drain: Drain<O>,
    pub(crate) threads: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_of_a_buffer_keeps_its_size() {
        for size in 1..300 {
            for takers in 1..20 {
                let (room, batch) = split(size, takers);
                assert!(room >= 1 && batch >= 1, "{size} {takers}");
                assert_eq!(room + takers * (batch - 1), size, "{size} {takers}");
                assert!(batch == 1 || batch <= room, "{size} {takers}");
            }
        }
    }
}
