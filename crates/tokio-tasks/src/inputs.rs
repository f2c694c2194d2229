//! `Inputs`, what an iterator and a stream have in common.
//!
//! Several crates link this file.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::Stream;

/// Inputs that are taken one by one: any iterator, or [`StreamInputs`].
pub trait Inputs {
    /// An input.
    type Input;

    /// The next input. It is not called again after the last.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Input>>;

    /// Bounds on the number of inputs that are left, as in [`Iterator::size_hint`].
    fn left(&self) -> (usize, Option<usize>);
}

impl<I: Iterator> Inputs for I {
    type Input = I::Item;

    fn poll_input(&mut self, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.next())
    }

    fn left(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }
}

/// The inputs of [`as_completed_stream`](crate::as_completed_stream), from a stream.
pub struct StreamInputs<S>(Pin<Box<S>>);

impl<S> StreamInputs<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(Box::pin(stream))
    }
}

impl<S: Stream> Inputs for StreamInputs<S> {
    type Input = S::Item;

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.0.as_mut().poll_next(cx)
    }

    fn left(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<S> fmt::Debug for StreamInputs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamInputs").finish_non_exhaustive()
    }
}
