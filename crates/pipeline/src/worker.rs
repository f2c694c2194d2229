//! The threads of a run: the workers of the stages, and the source, which pulls the inputs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::counts::Gauge;
use crate::error::{Cause, ItemError, PipelineError};
use crate::handle::Shared;
use crate::panic::{catch, drop_quietly};
use crate::protocols::buffer::Buffer;
use crate::protocols::wait::Wait;
use crate::protocols::window::Window;
use crate::sync::park_until;

/// An item in flight: its index among the inputs, and its value or failure. A failed item passes
/// through the later stages unchanged; only runs that keep going have any.
pub(crate) struct Entry<T> {
    pub(crate) index: usize,
    pub(crate) value: Result<T, Box<ItemError>>,
}

/// The state that all threads of a run share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) deadline: Option<Instant>,
    /// A failing item does not end the run.
    pub(crate) keep_going: bool,
    /// A failing item ends the run behind the items before it.
    pub(crate) ordered: bool,
}

impl Context {
    pub(crate) fn stop_at(&self, index: usize, cause: PipelineError) {
        drop_quietly(self.shared.stop_at.lower(index, cause));
    }

    pub(crate) fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(crate) fn check_deadline(&self) {
        if self.is_late() {
            self.stop_at(0, PipelineError::TimedOut);
        }
    }

    /// Parks until this thread is unparked, or until the deadline, which then ends the run: every
    /// thread of it may be waiting, with no consumer.
    fn park_until_deadline(&self) {
        park_until(self.deadline);
        self.check_deadline();
    }
}

/// A worker proceeds with the items before the stop index, and ends only when everything does.
impl Wait for Context {
    fn is_over(&self) -> bool {
        self.shared.stop_at.is_zero()
    }

    fn park(&self) {
        self.park_until_deadline();
    }
}

/// A batch that took less than this may be twice as large next time, and one that took more than
/// four times this is halved.
const QUICK_BATCH: Duration = Duration::from_micros(10);

/// The number of items that a worker takes at once.
///
/// The only worker of a stage may take any number: no other would begin them earlier. Where there
/// are several, an item in the batch of one cannot be begun by another, so batches grow only while
/// they take next to no time.
pub(crate) struct BatchSize {
    max: usize,
    now: usize,
    began: Option<Instant>,
}

impl BatchSize {
    pub(crate) fn new(max: usize, alone: bool) -> Self {
        Self {
            max,
            now: if alone { max } else { 1 },
            began: (!alone && max > 1).then(Instant::now),
        }
    }

    fn begin(&mut self) {
        if let Some(began) = &mut self.began {
            *began = Instant::now();
        }
    }

    fn end(&mut self) {
        let Some(began) = self.began else { return };
        let took = began.elapsed();
        if took < QUICK_BATCH {
            self.now = (2 * self.now).min(self.max);
        } else if took > 4 * QUICK_BATCH {
            self.now = (self.now / 2).max(1);
        }
    }
}

pub(crate) struct Worker<A, B, F> {
    pub(crate) context: Context,
    pub(crate) stage: Arc<Gauge>,
    /// The number of this worker within its stage.
    pub(crate) number: usize,
    pub(crate) batch: usize,
    pub(crate) input: Arc<Buffer<Entry<A>>>,
    pub(crate) output: Arc<Buffer<Entry<B>>>,
    pub(crate) work: Arc<F>,
}

impl<A, B, F> Worker<A, B, F>
where
    F: Fn(A) -> Result<B, Cause>,
{
    pub(crate) fn run(self) {
        let Self { context, stage, .. } = &self;
        let tally = &*stage.tallies[self.number];
        context.shared.stop_at.register_worker();
        let mut batch = BatchSize::new(self.batch, stage.workers == 1);
        let mut items = VecDeque::new();
        'run: while let Some(found) = self.input.take(batch.now, &mut items, context) {
            stage.record_waiting(found);
            batch.begin();
            while let Some(entry) = items.pop_front() {
                if !self.process(entry) {
                    break 'run;
                }
            }
            batch.end();
        }
        // Only a stopped run leaves items.
        for entry in items.into_iter().chain(self.input.remove_taker()) {
            tally.skipped.add(usize::from(entry.value.is_ok()));
            drop_quietly(entry);
        }
        self.output.remove_putter();
        // The last worker of a stage drops the captures of the stage function.
        drop_quietly(self);
    }

    /// Takes one item through this stage; `false` if the next stage has ended.
    fn process(&self, Entry { index, value }: Entry<A>) -> bool {
        let Self { context, stage, .. } = self;
        let tally = &*stage.tallies[self.number];
        context.check_deadline();
        let item = match value {
            Ok(item) => item,
            Err(failed) => return self.pass_on(index, Err(failed)).is_ok(),
        };
        if index >= context.shared.stop_at.index() {
            tally.skipped.add(1);
            drop_quietly(item);
            return true;
        }
        tally.begun.add(1);
        let cause = match catch(|| (self.work)(item)) {
            Ok(Ok(item)) => {
                return match self.pass_on(index, Ok(item)) {
                    Ok(()) => {
                        tally.done.add(1);
                        true
                    }
                    Err(entry) => {
                        tally.lost.add(1);
                        drop_quietly(entry);
                        false
                    }
                };
            }
            Ok(Err(cause)) => cause,
            Err(panic) => Cause::Panic(panic),
        };
        tally.failed.add(1);
        let error = ItemError::new(&stage.name, index, cause);
        if context.keep_going {
            return match self.pass_on(index, Err(Box::new(error))) {
                Ok(()) => true,
                Err(entry) => {
                    drop_quietly(entry);
                    false
                }
            };
        }
        let from = if context.ordered { index } else { 0 };
        context.stop_at(from, PipelineError::Item(error));
        true
    }

    fn pass_on(&self, index: usize, value: Result<B, Box<ItemError>>) -> Result<(), Entry<B>> {
        self.output.put(Entry { index, value }, &self.context)
    }
}

/// The thread that pulls the inputs, one at a time and no earlier than there is room for them.
pub(crate) struct Source<I, A> {
    pub(crate) context: Context,
    pub(crate) inputs: I,
    pub(crate) window: Option<Arc<Window>>,
    pub(crate) output: Arc<Buffer<Entry<A>>>,
}

/// The source ends as soon as a stop index is set: further inputs lie behind it.
struct SourceWait<'a>(&'a Context);

impl Wait for SourceWait<'_> {
    fn is_over(&self) -> bool {
        self.0.shared.stop_at.is_set()
    }

    fn park(&self) {
        self.0.park_until_deadline();
    }
}

impl<I: Iterator> Source<I, I::Item> {
    pub(crate) fn run(self) {
        let Self {
            context,
            mut inputs,
            window,
            output,
        } = self;
        context.shared.stop_at.register_worker();
        let gauges = context.shared.gauges();
        let wait = SourceWait(&context);
        let mut out = 0;
        for index in 0.. {
            if window
                .as_ref()
                .is_some_and(|window| !window.admit(index, &mut out, &wait))
            {
                break;
            }
            context.check_deadline();
            if wait.is_over() {
                break;
            }
            let value = match catch(|| inputs.next()) {
                Ok(Some(item)) => Ok(item),
                Ok(None) => break,
                Err(panic) => {
                    // The items before it are good.
                    context.stop_at(index, PipelineError::InputPanicked { item: index, panic });
                    break;
                }
            };
            if let Err(entry) = output.put(Entry { index, value }, &wait) {
                drop_quietly(entry);
                break;
            }
            gauges.fed.add(1);
        }
        output.remove_putter();
        drop_quietly(inputs);
    }
}
