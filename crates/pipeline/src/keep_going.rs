use crate::builder::Pipeline;
use crate::error::{ItemError, PipelineError};
use crate::handle::Handle;
use crate::outputs::Outputs;
use crate::running::{Collected, Running, scoped, spawned};

/// A [`Pipeline`] in which a failure does not end the run: it is an output in place of its item.
///
/// A failed item passes by the stages after the one that it failed in, keeps its place in the order, and comes out as
/// [`ItemError`], which says where it failed.
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
#[derive(Debug)]
pub struct KeepGoing<'f, I, O>(pub(crate) Pipeline<'f, I, O>);

impl<'f, I: Send + 'f, O: Send + 'f> KeepGoing<'f, I, O> {
    /// A hold on the run, for other threads.
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// As [`Pipeline::collect`], with a result for each item.
    ///
    /// # Errors
    /// What ends the whole run: a stop, the deadline, a panic of the iterator, or that it cannot start.
    ///
    /// # Panics
    /// When `into_iter` does, before anything has started.
    pub fn collect<T>(self, inputs: T) -> Result<Vec<Result<O, ItemError>>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        let outputs = self.run(inputs, |outputs| Collected(outputs.collect()))?;
        Ok(outputs.into_inner())
    }

    /// As [`Pipeline::for_each`], with a result for each item.
    ///
    /// # Errors
    /// As of [`collect`](Self::collect).
    ///
    /// # Panics
    /// When `f` does, after all threads have been joined.
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

    /// As [`Pipeline::run`], with a result for each item.
    ///
    /// # Errors
    /// As of [`collect`](Self::collect).
    ///
    /// # Panics
    /// When `f` does, after all threads have been joined.
    pub fn run<T, R>(
        self,
        inputs: T,
        f: impl FnOnce(Outputs<'_, Result<O, ItemError>>) -> R,
    ) -> Result<R, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        scoped(self.0, inputs.into_iter(), |drain| {
            let mut next = || Some(drain.next()?.map_err(|error| *error));
            f(Outputs::new(&mut next))
        })
    }
}

impl<I: Send + 'static, O: Send + 'static> KeepGoing<'static, I, O> {
    /// As [`Pipeline::spawn`]; but a [`PipelineError::Item`] does not end the iterator.
    ///
    /// # Errors
    /// As of [`Pipeline::spawn`].
    ///
    /// # Panics
    /// When `into_iter` does, before anything has started.
    pub fn spawn<T>(self, inputs: T) -> Result<Running<O>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send + 'static,
    {
        spawned(self.0, inputs.into_iter())
    }
}
