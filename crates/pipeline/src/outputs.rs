//! The end of a pipeline from which the outputs are taken.

use std::cell::Cell;
use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::mem;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use crate::buffer::Buffer;
use crate::counts::Gauges;
use crate::error::{ItemError, PipelineError};
use crate::reorder::Reorder;
use crate::sync::park_until;
use crate::task_panic::drop_contained;
use crate::wait::Wait;
use crate::window::Window;
use crate::worker::{Entry, Terms};

type Taken<T> = Result<T, Box<ItemError>>;

/// Takes what comes out of the last stage and puts it in order, if it is to be.
pub(crate) struct Drain<T> {
    terms: Terms,
    gauges: Arc<Gauges>,
    buffer: Arc<Buffer<Entry<T>>>,
    chunk: usize,
    taken: VecDeque<Entry<T>>,
    reorder: Option<(Reorder<Taken<T>>, Arc<Window>)>,
    /// How many have gone out, which in order is also the index of the next one.
    out: usize,
    /// How many of these the window knows of.
    told: usize,
    /// The thread that is unparked at a cut.
    listens: Option<ThreadId>,
    ended: bool,
    /// It ended at the cut.
    cut: bool,
}

/// The consumer ends when the cut is reached: everything before it has gone out.
struct UntilReached<'a> {
    terms: &'a Terms,
    out: usize,
    /// The deadline passed during the wait. It is acted upon later: to cut may drop an error of the user's, and this is
    /// asked under the lock of the buffer.
    late: Cell<bool>,
}

impl Wait for UntilReached<'_> {
    fn is_over(&self) -> bool {
        self.late.set(self.terms.is_late());
        self.late.get() || self.out >= self.terms.shared.cut.at()
    }

    fn park(&self) {
        park_until(self.terms.deadline);
    }
}

impl<T> Drain<T> {
    pub(crate) fn new(
        terms: Terms,
        buffer: Arc<Buffer<Entry<T>>>,
        chunk: usize,
        window: Option<Arc<Window>>,
    ) -> Self {
        Self {
            gauges: terms.shared.gauges(),
            terms,
            buffer,
            chunk,
            taken: VecDeque::new(),
            reorder: window.map(|window| (Reorder::new(), window)),
            out: 0,
            told: 0,
            listens: None,
            ended: false,
            cut: false,
        }
    }

    /// The next output, waiting for it; `None` at the end, of which [`error`](Self::error) says whether it is the
    /// inputs' own.
    pub(crate) fn next(&mut self) -> Option<Taken<T>> {
        loop {
            if self.ended {
                return None;
            }
            if self.out >= self.terms.shared.cut.at() {
                break;
            }
            if let Some(item) = self.ready() {
                self.out += 1;
                self.gauges.delivered.add(1);
                self.tell(false);
                return Some(item);
            }
            if !self.refill() {
                break;
            }
        }
        self.ended = true;
        self.cut = self.out >= self.terms.shared.cut.at();
        None
    }

    fn ready(&mut self) -> Option<Taken<T>> {
        match &mut self.reorder {
            None => self.taken.pop_front().map(|entry| entry.value),
            Some((reorder, _)) => reorder.pop(),
        }
    }

    fn tell(&mut self, all: bool) {
        if let Some((_, window)) = &self.reorder
            && self.out - self.told >= if all { 1 } else { window.interval() }
        {
            self.told = self.out;
            window.tell(self.out);
        }
    }

    /// Get more from the buffer. False when there is no more.
    fn refill(&mut self) -> bool {
        self.tell(true);
        let me = thread::current().id();
        if self.listens != Some(me) {
            self.listens = Some(me);
            self.terms.shared.cut.tell_consumer();
        }
        let wait = UntilReached {
            terms: &self.terms,
            out: self.out,
            late: Cell::new(false),
        };
        let more = self.buffer.take(self.chunk, &mut self.taken, &wait);
        if more.is_none() && wait.late.get() {
            self.terms.keep_to_deadline();
        }
        if let Some((reorder, _)) = &mut self.reorder {
            for entry in self.taken.drain(..) {
                reorder.insert(entry.index, entry.value);
            }
        }
        more.is_some()
    }

    /// Why the outputs ended before the inputs did, for the one who asks first.
    pub(crate) fn error(&mut self) -> Option<PipelineError> {
        self.cut
            .then(|| self.terms.shared.cut.take_cause())
            .flatten()
    }

    /// End the run: nobody wants the rest.
    pub(crate) fn stop(&mut self) {
        self.ended = true;
        self.terms.cut(0, PipelineError::Stopped);
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
        let left = self.buffer.leave_taking().into_iter();
        for value in taken.chain(early).chain(left.map(|entry| entry.value)) {
            self.gauges.unwanted.add(usize::from(value.is_ok()));
            drop_contained(value);
        }
    }
}

/// The outputs of a [`run`](crate::Pipeline::run), an iterator that waits for each. It ends when the inputs do, or at the
/// error that `run` then returns.
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
