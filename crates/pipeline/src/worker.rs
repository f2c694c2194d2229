//! The threads of a run: the workers of the stages, and the one that pulls the inputs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::counts::Gauge;
use crate::error::{Cause, ItemError, PipelineError};
use crate::handle::Shared;
use crate::sync::park_until;
use crate::task_panic::{contain, drop_contained};
use crate::wait::Wait;
use crate::window::Window;

/// An item under way: its index among the inputs, and what has become of it. A failed one goes through the later stages
/// as it is; only runs that keep going have such.
pub(crate) struct Entry<T> {
    pub(crate) index: usize,
    pub(crate) value: Result<T, Box<ItemError>>,
}

/// What all threads of a run know.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) shared: Arc<Shared>,
    pub(crate) deadline: Option<Instant>,
    /// An item that fails does not cut the run.
    pub(crate) keep_going: bool,
    /// An item that fails cuts behind the items before it.
    pub(crate) ordered: bool,
}

impl Terms {
    pub(crate) fn cut(&self, index: usize, cause: PipelineError) {
        drop_contained(self.shared.cut.cut(index, cause));
    }

    pub(crate) fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(crate) fn keep_to_deadline(&self) {
        if self.is_late() {
            self.cut(0, PipelineError::DeadlinePassed);
        }
    }

    /// Park until this thread is unparked, or until the deadline, which then cuts the run: perhaps every thread of it
    /// waits, and nobody takes the outputs.
    fn park_until_deadline(&self) {
        park_until(self.deadline);
        self.keep_to_deadline();
    }
}

/// A worker goes on at a cut behind the items before it, and ends only when everything does.
impl Wait for Terms {
    fn is_over(&self) -> bool {
        self.shared.cut.is_stopped()
    }

    fn park(&self) {
        self.park_until_deadline();
    }
}

/// A chunk of tiny items that took less than this may be twice as large next time; one that took longer than four times
/// as much, half as large. In between it stays.
const QUICK: Duration = Duration::from_micros(10);

/// How many items a worker takes at once.
///
/// One that works alone on its stage may take as many as it likes: nobody else would begin them earlier. Where there are
/// several, items in the chunk of one cannot be begun by another; so chunks grow only while they take no time worth
/// speaking of.
pub(crate) struct Chunk {
    most: usize,
    now: usize,
    began: Option<Instant>,
}

impl Chunk {
    pub(crate) fn new(most: usize, alone: bool) -> Self {
        Self {
            most,
            now: if alone { most } else { 1 },
            began: (!alone && most > 1).then(Instant::now),
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
        if took < QUICK {
            self.now = (2 * self.now).min(self.most);
        } else if took > 4 * QUICK {
            self.now = (self.now / 2).max(1);
        }
    }
}

pub(crate) struct Worker<A, B, F> {
    pub(crate) terms: Terms,
    pub(crate) stage: Arc<Gauge>,
    /// Which of its workers.
    pub(crate) number: usize,
    pub(crate) chunk: usize,
    pub(crate) input: Arc<Buffer<Entry<A>>>,
    pub(crate) output: Arc<Buffer<Entry<B>>>,
    pub(crate) work: Arc<F>,
}

impl<A, B, F> Worker<A, B, F>
where
    F: Fn(A) -> Result<B, Cause>,
{
    pub(crate) fn run(self) {
        let Self { terms, stage, .. } = &self;
        let tally = &*stage.tallies[self.number];
        terms.shared.cut.tell_crew();
        let mut chunk = Chunk::new(self.chunk, stage.workers == 1);
        let mut items = VecDeque::new();
        'run: while let Some(found) = self.input.take(chunk.now, &mut items, terms) {
            stage.found(found);
            chunk.begin();
            while let Some(entry) = items.pop_front() {
                if !self.pass(entry) {
                    break 'run;
                }
            }
            chunk.end();
        }
        // Only a run that is stopped leaves anything.
        for entry in items.into_iter().chain(self.input.leave_taking()) {
            tally.skipped.add(usize::from(entry.value.is_ok()));
            drop_contained(entry);
        }
        self.output.leave_putting();
        // With the last worker of the stage goes what the user's function has captured.
        drop_contained(self);
    }

    /// One item through this stage. False when nobody takes what comes out of it.
    fn pass(&self, Entry { index, value }: Entry<A>) -> bool {
        let Self { terms, stage, .. } = self;
        let tally = &*stage.tallies[self.number];
        terms.keep_to_deadline();
        let item = match value {
            Ok(item) => item,
            Err(failed) => return self.hand_on(index, Err(failed)).is_ok(),
        };
        if index >= terms.shared.cut.at() {
            tally.skipped.add(1);
            drop_contained(item);
            return true;
        }
        tally.begun.add(1);
        let cause = match contain(|| (self.work)(item)) {
            Ok(Ok(item)) => {
                return match self.hand_on(index, Ok(item)) {
                    Ok(()) => {
                        tally.done.add(1);
                        true
                    }
                    Err(entry) => {
                        tally.lost.add(1);
                        drop_contained(entry);
                        false
                    }
                };
            }
            Ok(Err(cause)) => cause,
            Err(panic) => Cause::Panic(panic),
        };
        tally.failed.add(1);
        let error = ItemError::new(&stage.name, index, cause);
        if terms.keep_going {
            return match self.hand_on(index, Err(Box::new(error))) {
                Ok(()) => true,
                Err(entry) => {
                    drop_contained(entry);
                    false
                }
            };
        }
        let from = if terms.ordered { index } else { 0 };
        terms.cut(from, PipelineError::Item(error));
        true
    }

    fn hand_on(&self, index: usize, value: Result<B, Box<ItemError>>) -> Result<(), Entry<B>> {
        self.output.put(Entry { index, value }, &self.terms)
    }
}

/// The thread that pulls the inputs, one at a time and no earlier than there is room for them.
pub(crate) struct Source<I, A> {
    pub(crate) terms: Terms,
    pub(crate) inputs: I,
    pub(crate) window: Option<Arc<Window>>,
    pub(crate) output: Arc<Buffer<Entry<A>>>,
}

/// The source ends at any cut: what it would pull lies behind it.
struct UntilCut<'a>(&'a Terms);

impl Wait for UntilCut<'_> {
    fn is_over(&self) -> bool {
        self.0.shared.cut.is_cut()
    }

    fn park(&self) {
        self.0.park_until_deadline();
    }
}

impl<I: Iterator> Source<I, I::Item> {
    pub(crate) fn run(self) {
        let Self {
            terms,
            mut inputs,
            window,
            output,
        } = self;
        terms.shared.cut.tell_crew();
        let gauges = terms.shared.gauges();
        let wait = UntilCut(&terms);
        let mut out = 0;
        for index in 0.. {
            if window
                .as_ref()
                .is_some_and(|window| !window.admit(index, &mut out, &wait))
            {
                break;
            }
            terms.keep_to_deadline();
            if wait.is_over() {
                break;
            }
            let value = match contain(|| inputs.next()) {
                Ok(Some(item)) => Ok(item),
                Ok(None) => break,
                Err(panic) => {
                    // The items before it are good.
                    terms.cut(index, PipelineError::InputPanicked { item: index, panic });
                    break;
                }
            };
            if let Err(entry) = output.put(Entry { index, value }, &wait) {
                drop_contained(entry);
                break;
            }
            gauges.fed.add(1);
        }
        output.leave_putting();
        drop_contained(inputs);
    }
}
