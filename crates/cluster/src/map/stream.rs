//! [`MapStream`]: a map as a stream, over a stream.

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use super::core::Core;
use crate::error::JobError;
use crate::job::Job;

/// The results of a map over a stream, in input order. Created by
/// [`Mapping::stream`](crate::Mapping::stream). Dropping it withdraws the chunks that no worker has
/// begun.
///
/// The inputs are polled only while the window has room: a slow consumer slows the inputs down.
pub struct MapStream<J: Job, S> {
    inputs: Option<S>,
    core: Core<J>,
}

impl<J: Job, S> MapStream<J, S> {
    pub(super) fn new(core: Core<J>, inputs: S) -> Self {
        Self {
            inputs: Some(inputs),
            core,
        }
    }
}

impl<J, S> Stream for MapStream<J, S>
where
    J: Job,
    S: Stream<Item: Borrow<J::Input>> + Unpin,
{
    type Item = Result<J::Output, JobError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            this.core.collect();
            while this.core.has_room()
                && let Some(inputs) = &mut this.inputs
            {
                match Pin::new(inputs).poll_next(context) {
                    Poll::Ready(Some(input)) => this.core.add(input.borrow()),
                    Poll::Ready(None) => this.inputs = None,
                    Poll::Pending => break,
                }
                this.core.collect();
            }
            this.core.flush();
            if let Some(result) = this.core.next() {
                return Poll::Ready(Some(result));
            }
            if this.core.is_empty() && this.inputs.is_none() {
                return Poll::Ready(None);
            }
            if this.core.inbox.register(context.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl<J, S> FusedStream for MapStream<J, S>
where
    J: Job,
    S: Stream<Item: Borrow<J::Input>> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.inputs.is_none() && self.core.is_empty()
    }
}

// The stream of inputs is `Unpin`, and no other field refers to the map itself.
impl<J: Job, S> Unpin for MapStream<J, S> {}

impl<J: Job, S> fmt::Debug for MapStream<J, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").finish_non_exhaustive()
    }
}
