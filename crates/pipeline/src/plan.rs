//! From what was asked for to buffers and threads.

use std::io;
use std::sync::Arc;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::counts::{Gauge, MAX_WORKERS, all_workers};
use crate::error::{Cause, PipelineError};
use crate::handle::Shared;
use crate::outputs::Drain;
use crate::sync::{Mutex, lock};
use crate::task_panic::drop_contained;
use crate::window::Window;
use crate::worker::{Entry, Source, Terms, Worker};

/// More items at once are no quicker.
const MOST_AT_ONCE: usize = 64;

/// What the user asked for, but for the stages.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) buffer: usize,
    pub(crate) ordered: bool,
    pub(crate) keep_going: bool,
    pub(crate) deadline: Option<Duration>,
    pub(crate) stack_size: Option<usize>,
}

/// A thread of the run, not yet started.
struct Job<'f> {
    name: String,
    work: Work<'f>,
}

type Work<'f> = Box<dyn FnOnce() + Send + 'f>;

/// A run that is being put together, stage by stage.
pub(crate) struct Plan<'f> {
    terms: Terms,
    settings: Settings,
    stages: Vec<Arc<Gauge>>,
    /// How many of them have their workers.
    manned: usize,
    jobs: Vec<Job<'f>>,
}

/// A run that is put together.
pub(crate) struct Planned<'f, O> {
    jobs: Vec<Job<'f>>,
    drain: Drain<O>,
    stack_size: Option<usize>,
}

/// How a buffer for `size` items is split. Each of `takers` takes at most `chunk` at once, works on one of them and has
/// the others waiting with it. The shared `room` is what is left of `size`, so that no more than `size` wait in all.
fn split(size: usize, takers: usize) -> (usize, usize) {
    let chunk = (size / (2 * takers)).clamp(1, MOST_AT_ONCE);
    (size - takers * (chunk - 1), chunk)
}

impl<'f> Plan<'f> {
    /// # Errors
    /// What is wrong with the settings.
    pub(crate) fn new(shared: &Arc<Shared>, settings: Settings) -> Result<Self, PipelineError> {
        let stages = shared.gauges().stages.clone();
        if let Some(stage) = stages.iter().find(|stage| stage.workers == 0) {
            return Err(PipelineError::NoWorkers {
                stage: stage.name.to_string(),
            });
        }
        let workers = all_workers(&stages);
        if workers > MAX_WORKERS {
            return Err(PipelineError::TooManyWorkers(workers));
        }
        if settings.buffer == 0 {
            return Err(PipelineError::NoBuffer);
        }
        Ok(Self {
            terms: Terms {
                shared: Arc::clone(shared),
                // One that no clock reaches is none.
                deadline: settings
                    .deadline
                    .and_then(|time| Instant::now().checked_add(time)),
                keep_going: settings.keep_going,
                ordered: settings.ordered,
            },
            settings,
            stages,
            manned: 0,
            jobs: Vec::new(),
        })
    }

    /// How many take from the buffer in front of the next stage; after the last one it is the consumer.
    fn takers(&self) -> usize {
        self.stages
            .get(self.manned)
            .map_or(1, |stage| stage.workers)
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

    /// Man the next stage, and say where its workers put what they made.
    pub(crate) fn man<A, B, F>(
        &mut self,
        input: &Arc<Buffer<Entry<A>>>,
        work: F,
    ) -> Arc<Buffer<Entry<B>>>
    where
        A: Send + 'f,
        B: Send + 'f,
        F: Fn(A) -> Result<B, Cause> + Send + Sync + 'f,
    {
        let stage = Arc::clone(&self.stages[self.manned]);
        let workers = stage.workers;
        let (_, chunk) = split(self.settings.buffer, workers);
        self.manned += 1;
        let output = self.buffer(workers);
        let work = Arc::new(work);
        for number in 0..workers {
            let worker = Worker {
                terms: self.terms.clone(),
                stage: Arc::clone(&stage),
                number,
                chunk,
                input: Arc::clone(input),
                output: Arc::clone(&output),
                work: Arc::clone(&work),
            };
            self.jobs.push(Job {
                name: format!("{}-{number}", stage.name),
                work: Box::new(move || worker.run()),
            });
        }
        output
    }

    /// Add the two ends.
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
        // One worker per stage keeps the order by itself.
        let overtaking = self.stages.iter().any(|stage| stage.workers > 1);
        let window =
            (ordered && overtaking).then(|| Arc::new(Window::new(in_flight(buffer, &self.stages))));
        let source = Source {
            terms: self.terms.clone(),
            inputs,
            window: window.clone(),
            output: entrance,
        };
        // Last, so that nothing is pulled if the system refuses a thread.
        let mut jobs: Vec<Job<'run>> = self.jobs;
        jobs.push(Job {
            name: "inputs".to_owned(),
            work: Box::new(move || source.run()),
        });
        let (_, chunk) = split(buffer, 1);
        Planned {
            jobs,
            drain: Drain::new(self.terms.clone(), exit, chunk, window),
            stack_size: self.settings.stack_size,
        }
    }
}

/// The most items that can be between the inputs and the consumer: full buffers, one in each worker's hands, and one that
/// has been pulled and waits for room.
fn in_flight(buffer: usize, stages: &[Arc<Gauge>]) -> usize {
    (stages.len() + 1)
        .saturating_mul(buffer)
        .saturating_add(all_workers(stages) + 1)
}

impl<'f, O> Planned<'f, O> {
    /// Start all threads, by `spawn`.
    ///
    /// # Errors
    /// When the system refuses one. The run has been stopped then, so that those that did start end, and the iterator of
    /// the inputs has been dropped unused.
    pub(crate) fn start<T>(
        self,
        spawn: impl Fn(Builder, Work<'f>) -> io::Result<T>,
    ) -> Result<Started<O, T>, (PipelineError, Vec<T>)> {
        let Self {
            jobs,
            mut drain,
            stack_size,
        } = self;
        let wanted = jobs.len();
        let mut threads = Vec::with_capacity(wanted);
        let mut patience = Patience::default();
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            match job.start(stack_size, &mut patience, &spawn) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    drain.stop();
                    // They hold what is the user's, down to the iterator of the inputs.
                    jobs.for_each(drop_contained);
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

impl<'f> Job<'f> {
    /// # Errors
    /// When the system refuses the thread, and the run has no patience left.
    fn start<T>(
        self,
        stack_size: Option<usize>,
        patience: &mut Patience,
        spawn: impl Fn(Builder, Work<'f>) -> io::Result<T>,
    ) -> io::Result<T> {
        // A refused spawn drops its closure, so the work itself stays here.
        let slot = Arc::new(Mutex::new(Some(self.work)));
        loop {
            let mut builder = Builder::new();
            // A name with a NUL byte is no name that a system takes.
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
                Err(_) if patience.lasts() => thread::sleep(RETRY_EVERY),
                Err(error) => {
                    drop_contained(slot);
                    return Err(error);
                }
                started => return started,
            }
        }
    }
}

/// How long a run goes on asking the system for threads after the first refusal. The kernel lets go of the stack of an
/// ended thread a little after it is joined, so one refusal means nothing yet.
const PATIENCE: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Patience {
    refused: Option<Instant>,
}

impl Patience {
    fn lasts(&mut self) -> bool {
        self.refused.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }
}

/// A run that goes on.
pub(crate) struct Started<O, T> {
    pub(crate) drain: Drain<O>,
    pub(crate) threads: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_items_wait_than_the_buffer_holds_chunks_included() {
        for size in 1..300 {
            for takers in 1..20 {
                let (room, chunk) = split(size, takers);
                assert!(room >= 1 && chunk >= 1, "{size} {takers}");
                assert_eq!(room + takers * (chunk - 1), size, "{size} {takers}");
                assert!(chunk == 1 || chunk <= room, "{size} {takers}");
            }
        }
    }
}
