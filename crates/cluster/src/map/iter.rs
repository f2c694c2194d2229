//! [`MapIter`]: a map as an iterator.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use super::core::Core;
use crate::error::{JobError, TimedOut};
use crate::job::Job;

/// The results of a map, in input order. Created by [`Mapping::iter`](crate::Mapping::iter).
/// Dropping it withdraws the chunks that no worker has begun.
pub struct MapIter<J: Job, I> {
    inputs: Option<I>,
    core: Core<J>,
}

impl<J, I> MapIter<J, I>
where
    J: Job,
    I: Iterator<Item: Borrow<J::Input>>,
{
    pub(super) fn new(core: Core<J>, inputs: I) -> Self {
        Self {
            inputs: Some(inputs),
            core,
        }
    }

    /// Waits at most `timeout` for the next result. `None` once all have been returned. The time
    /// that the inputs take is not limited.
    ///
    /// # Errors
    /// [`TimedOut`] if the timeout expired and results are still to come.
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<J::Output, JobError>>, TimedOut> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    fn next_until(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<Result<J::Output, JobError>>, TimedOut> {
        loop {
            self.core.collect();
            self.fill();
            if let Some(result) = self.core.next() {
                return Ok(Some(result));
            }
            if self.core.is_empty() && self.inputs.is_none() {
                return Ok(None);
            }
            if !self.core.inbox.wait(deadline) {
                return Err(TimedOut);
            }
        }
    }

    fn fill(&mut self) {
        while self.core.has_room() {
            let Some(input) = self.inputs.as_mut().and_then(Iterator::next) else {
                self.inputs = None;
                break;
            };
            self.core.add(input.borrow());
            // The size of the next chunk depends on the results so far.
            self.core.collect();
        }
        self.core.flush();
    }
}

impl<J, I> Iterator for MapIter<J, I>
where
    J: Job,
    I: Iterator<Item: Borrow<J::Input>>,
{
    type Item = Result<J::Output, JobError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).ok().flatten()
    }
}

impl<J: Job, I: Iterator<Item: Borrow<J::Input>>> FusedIterator for MapIter<J, I> {}

impl<J: Job, I> fmt::Debug for MapIter<J, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapIter").finish_non_exhaustive()
    }
}
