//! The consumer's end of a pipeline.

use std::cell::Cell;
use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::mem;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use crate::counts::Gauges;
use crate::error::{ItemError, PipelineError};
use crate::panic::drop_quietly;
use crate::protocols::buffer::Buffer;
use crate::protocols::reorder::Reorder;
use crate::protocols::wait::Wait;
use crate::protocols::window::Window;
use crate::sync::park_until;
use crate::worker::{Context, Entry};

type Taken<T> = Result<T, Box<ItemError>>;

/// Takes the outputs of the last stage and puts them in order if necessary.
pub(crate) struct Drain<T> {
    context: Context,
    gauges: Arc<Gauges>,
    buffer: Arc<Buffer<Entry<T>>>,
    batch: usize,
    taken: VecDeque<Entry<T>>,
    reorder: Option<(Reorder<Taken<T>>, Arc<Window>)>,
    /// The number of outputs yielded; in order, it is also the index of the next one.
    out: usize,
    /// The number of these reported to the window.
    reported: usize,
    /// The thread registered as the consumer.
    listener: Option<ThreadId>,
    ended: bool,
    /// It ended at the stop index.
    stopped: bool,
}

/// The consumer ends when it reaches the stop index: all outputs before that have been yielded.
struct ConsumerWait<'a> {
    context: &'a Context,
    out: usize,
    /// Whether the deadline passed during the wait. It is handled later, because ending the run may
    /// drop an error of the caller's, and `is_over` is called under the lock of the buffer.
    late: Cell<bool>,
}

impl Wait for ConsumerWait<'_> {
    fn is_over(&self) -> bool {
        self.late.set(self.context.is_late());
        self.late.get() || self.out >= self.context.shared.stop_at.index()
    }

    fn park(&self) {
        park_until(self.context.deadline);
    }
}

impl<T> Drain<T> {
    pub(crate) fn new(
        context: Context,
        buffer: Arc<Buffer<Entry<T>>>,
        batch: usize,
        window: Option<Arc<Window>>,
    ) -> Self {
        Self {
            gauges: context.shared.gauges(),
            context,
            buffer,
            batch,
            taken: VecDeque::new(),
            reorder: window.map(|window| (Reorder::new(), window)),
            out: 0,
            reported: 0,
            listener: None,
            ended: false,
            stopped: false,
        }
    }

    /// The next output, waiting for it. `None` at the end; [`error`](Self::error) says whether that
    /// is the end of the inputs.
    pub(crate) fn next(&mut self) -> Option<Taken<T>> {
        loop {
            if self.ended {
                return None;
            }
            if self.out >= self.context.shared.stop_at.index() {
                break;
            }
            if let Some(item) = self.ready() {
                self.out += 1;
                self.gauges.delivered.add(1);
                self.report(false);
                return Some(item);
            }
            if !self.refill() {
                break;
            }
        }
        self.ended = true;
        self.stopped = self.out >= self.context.shared.stop_at.index();
        None
    }

    fn ready(&mut self) -> Option<Taken<T>> {
        match &mut self.reorder {
            None => self.taken.pop_front().map(|entry| entry.value),
            Some((reorder, _)) => reorder.pop(),
        }
    }

    fn report(&mut self, all: bool) {
        if let Some((_, window)) = &self.reorder
            && self.out - self.reported >= if all { 1 } else { window.report_interval() }
        {
            self.reported = self.out;
            window.advance(self.out);
        }
    }

    /// Takes more from the buffer; `false` if there is no more.
    fn refill(&mut self) -> bool {
        self.report(true);
        let me = thread::current().id();
        if self.listener != Some(me) {
            self.listener = Some(me);
            self.context.shared.stop_at.register_consumer();
        }
        let wait = ConsumerWait {
            context: &self.context,
            out: self.out,
            late: Cell::new(false),
        };
        let more = self.buffer.take(self.batch, &mut self.taken, &wait);
        if more.is_none() && wait.late.get() {
            self.context.check_deadline();
        }
        if let Some((reorder, _)) = &mut self.reorder {
            for entry in self.taken.drain(..) {
                reorder.insert(entry.index, entry.value);
            }
        }
        more.is_some()
    }

    /// The error that ended the outputs, for the first caller only.
    pub(crate) fn error(&mut self) -> Option<PipelineError> {
        self.stopped
            .then(|| self.context.shared.stop_at.take_cause())
            .flatten()
    }

    /// Ends the run: no further output is wanted.
    pub(crate) fn stop(&mut self) {
        self.ended = true;
        self.context.stop_at(0, PipelineError::Stopped);
    }
}

impl<T> Drop for Drain<T> {
    fn drop(&mut self) {
        self.stop();
        let taken = mem::take(&mut self.taken)
            .into_iter()
            .map(|entry| entry.value);
        let early = self
            .reorder
            .take()
            .into_iter()
            .flat_map(|(reorder, _)| reorder.into_rest());
        let left = self.buffer.remove_taker().into_iter();
        for value in taken.chain(early).chain(left.map(|entry| entry.value)) {
            self.gauges.unwanted.add(usize::from(value.is_ok()));
            drop_quietly(value);
        }
    }
}

/// The outputs of a [`run`](crate::Pipeline::run), an iterator that waits for each. It ends when
/// the inputs do, or at the error that `run` then returns.
pub struct Outputs<'a, O> {
    next: &'a mut (dyn FnMut() -> Option<O> + Send),
}

impl<'a, O> Outputs<'a, O> {
    pub(crate) fn new(next: &'a mut (dyn FnMut() -> Option<O> + Send)) -> Self {
        Self { next }
    }
}

impl<O> Iterator for Outputs<'_, O> {
    type Item = O;

    fn next(&mut self) -> Option<O> {
        (self.next)()
    }
}

impl<O> FusedIterator for Outputs<'_, O> {}
