//! The builder of a pipeline whose failures are outputs.

use std::fmt;

use crate::blueprint::Blueprint;
use crate::error::{ItemError, PipelineError};
use crate::handle::Handle;
use crate::outputs::Outputs;
use crate::running::{Running, scoped, spawned};

/// A [`Pipeline`](crate::Pipeline) in which a failure does not end the run: it is an output in
/// place of its item.
///
/// A failed item skips the stages after the one in which it failed, keeps its place in the order,
/// and comes out as an [`ItemError`], which says where it failed.
///
/// ```
/// use effective_pipeline::Pipeline;
///
/// let outputs = Pipeline::new()
///     .try_stage("parse", 2, |text: &str| text.parse::<u32>())
///     .stage("invert", 1, |n| 1_000 / n)
///     .keep_going()
///     .collect(["5", "x", "0", "8"])?;
/// assert!(matches!(outputs[0], Ok(200)));
/// assert_eq!(outputs[1].as_ref().unwrap_err().stage(), "parse");
/// assert_eq!(outputs[2].as_ref().unwrap_err().stage(), "invert");
/// assert!(matches!(outputs[3], Ok(125)));
/// # Ok::<(), effective_pipeline::PipelineError>(())
/// ```
#[must_use = "a pipeline does nothing until it is run"]
pub struct KeepGoing<'f, I, O>(pub(crate) Blueprint<'f, I, O>);

impl<'f, I: Send + 'f, O: Send + 'f> KeepGoing<'f, I, O> {
    /// A handle to the run, for other threads.
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// Like [`Pipeline::collect`](crate::Pipeline::collect), with a result for each item.
    ///
    /// # Errors
    /// Any error that ends the whole run: a stop, the deadline, a panic of the iterator, or a
    /// failure to start.
    ///
    /// # Panics
    /// If `into_iter` panics, before anything has started.
    pub fn collect<T>(self, inputs: T) -> Result<Vec<Result<O, ItemError>>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        self.run(inputs, |outputs| outputs.collect())
    }

    /// Like [`Pipeline::for_each`](crate::Pipeline::for_each), with a result for each item.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect).
    ///
    /// # Panics
    /// If `f` panics, after all threads have been joined.
    pub fn for_each<T>(
        self,
        inputs: T,
        f: impl FnMut(Result<O, ItemError>),
    ) -> Result<(), PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        self.run(inputs, |outputs| outputs.for_each(f))
    }

    /// Like [`Pipeline::run`](crate::Pipeline::run), with a result for each item.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect).
    ///
    /// # Panics
    /// If `f` panics, after all threads have been joined.
    pub fn run<T, R>(
        self,
        inputs: T,
        f: impl FnOnce(Outputs<'_, Result<O, ItemError>>) -> R,
    ) -> Result<R, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        let planned = self.0.plan(inputs.into_iter())?;
        scoped(planned, |drain| {
            let mut next = || Some(drain.next()?.map_err(|error| *error));
            f(Outputs::new(&mut next))
        })
    }
}

impl<I: Send + 'static, O: Send + 'static> KeepGoing<'static, I, O> {
    /// Like [`Pipeline::spawn`](crate::Pipeline::spawn), but a [`PipelineError::Item`] does not end
    /// the iterator.
    ///
    /// # Errors
    /// As for [`Pipeline::spawn`](crate::Pipeline::spawn).
    ///
    /// # Panics
    /// If `into_iter` panics, before anything has started.
    pub fn spawn<T>(self, inputs: T) -> Result<Running<O>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send + 'static,
    {
        let handle = self.handle();
        spawned(self.0.plan(inputs.into_iter())?, handle)
    }
}

impl<I, O> fmt::Debug for KeepGoing<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepGoing")
            .field("stages", &self.0.shared.gauges().stages)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
