//! The builder of a pipeline.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::blueprint::Blueprint;
use crate::error::{Cause, PipelineError};
use crate::handle::Handle;
use crate::keep_going::KeepGoing;
use crate::outputs::Outputs;
use crate::running::{Running, scoped, spawned};

/// Stages that items pass through one after another, each on threads of its own.
///
/// `I` is the type of the inputs and `O` that of the outputs; each added stage changes `O`. A
/// pipeline runs once: [`collect`](Self::collect), [`for_each`](Self::for_each) and
/// [`run`](Self::run) may borrow from the caller, and [`spawn`](Self::spawn) runs in the
/// background.
///
/// ```
/// use effective_pipeline::Pipeline;
///
/// let sums = Pipeline::new()
///     .try_stage("parse", 2, |line: &str| {
///         line.split(' ').map(str::parse).collect::<Result<Vec<i64>, _>>()
///     })
///     .stage("add", 1, |numbers| numbers.iter().sum::<i64>())
///     .collect(["1 2 3", "40 2"])?;
/// assert_eq!(sums, [6, 42]);
/// # Ok::<(), effective_pipeline::PipelineError>(())
/// ```
///
/// # Order
/// The outputs come in the order of their inputs, unless [`unordered`](Self::unordered) is set.
///
/// # Errors
/// The first failure ends the run; it names the stage and the item. A panic of a stage is a
/// failure. With ordered outputs it is the failure that a loop over the inputs would meet first,
/// and the outputs of all items before it still come. With [`keep_going`](Self::keep_going)
/// failures are part of the outputs.
///
/// # Items in flight
/// The inputs are pulled one at a time, and no earlier than there is room for them. In front of
/// each stage, and in front of the consumer, at most [`buffer`](Self::buffer) items wait, and each
/// worker holds at most one. So with `s` stages, `w` workers in all and a buffer of `b`, at most
/// `(s + 1) · b + w + 1` items are between the iterator of the inputs and the consumer; the last
/// one is an input that was pulled and waits for room. Items that wait to be put in order are
/// included.
#[must_use = "a pipeline does nothing until it is run"]
pub struct Pipeline<'f, I, O>(Blueprint<'f, I, O>);

impl<'f, I: Send + 'f> Pipeline<'f, I, I> {
    /// A pipeline without stages, whose outputs are its inputs.
    pub fn new() -> Self {
        Self(Blueprint::new())
    }
}

impl<'f, I: Send + 'f> Default for Pipeline<'f, I, I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'f, I: Send + 'f, O: Send + 'f> Pipeline<'f, I, O> {
    /// Adds a stage that cannot fail, with `workers` threads of its own, called `name-0`, `name-1`,
    /// … Errors and counts use the name as well.
    ///
    /// Give a stage as many workers as make it as fast as its neighbours. With more than one, items
    /// overtake each other, and are put back in order at the end unless the outputs are
    /// [`unordered`](Self::unordered).
    pub fn stage<P, F>(
        self,
        name: impl Into<Arc<str>>,
        workers: usize,
        work: F,
    ) -> Pipeline<'f, I, P>
    where
        P: Send + 'f,
        F: Fn(O) -> P + Send + Sync + 'f,
    {
        Pipeline(self.0.add(name.into(), workers, move |item| Ok(work(item))))
    }

    /// Adds a stage that can fail, with `workers` threads of its own. Each stage may have an error
    /// type of its own, or use a string.
    pub fn try_stage<P, E, F>(
        self,
        name: impl Into<Arc<str>>,
        workers: usize,
        work: F,
    ) -> Pipeline<'f, I, P>
    where
        P: Send + 'f,
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Fn(O) -> Result<P, E> + Send + Sync + 'f,
    {
        Pipeline(self.0.add(name.into(), workers, move |item| {
            work(item).map_err(|error| Cause::Error(error.into()))
        }))
    }

    /// Sets how many items may wait in front of each stage and in front of the consumer: at least
    /// 1, by default 16. A larger buffer evens out items of uneven cost and wakes threads less
    /// often; a smaller one takes less memory.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::new().stage("double", 1, |n: u64| 2 * n).buffer(4);
    /// let handle = pipeline.handle();
    /// pipeline.for_each(0..1_000, |_| {})?;
    /// assert!(handle.counts().stages[0].peak <= 4);
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    pub fn buffer(mut self, items: usize) -> Self {
        self.0.settings.buffer = items;
        self
    }

    /// Yields the outputs in the order of their inputs. This is the default.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::new().stage("double", 4, |n| 2 * n).ordered();
    /// assert_eq!(pipeline.collect([1, 2, 3])?, [2, 4, 6]);
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    pub fn ordered(mut self) -> Self {
        self.0.settings.ordered = true;
        self
    }

    /// Yields each output as soon as it is done. No output then waits behind a slow item, and a
    /// failure ends the run at once, even if earlier items are still running.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::new().stage("double", 4, |n| 2 * n).unordered();
    /// let mut doubled = pipeline.collect([1, 2, 3])?;
    /// doubled.sort(); // they came in any order
    /// assert_eq!(doubled, [2, 4, 6]);
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    pub fn unordered(mut self) -> Self {
        self.0.settings.ordered = false;
        self
    }

    /// Ends the run `time` after it began, with [`PipelineError::TimedOut`]: no item is begun
    /// later, and the threads end even while the consumer asks for no output. Items that a stage
    /// has begun are waited for, since a thread cannot be interrupted, and then dropped.
    ///
    /// A run whose last item was done in time is not affected: its outputs can be taken later.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_pipeline::{Pipeline, PipelineError};
    ///
    /// let endless = Pipeline::new().stage("double", 1, |n: u64| n.wrapping_mul(2));
    /// let ended = endless.deadline(Duration::from_millis(20)).for_each(0.., |_| {});
    /// assert!(matches!(ended, Err(PipelineError::TimedOut)));
    /// ```
    pub fn deadline(mut self, time: Duration) -> Self {
        self.0.settings.deadline = Some(time);
        self
    }

    /// Sets the stack size of each thread, instead of std's default (2 MiB, or `RUST_MIN_STACK`). A
    /// size that the system cannot provide fails the run with [`PipelineError::Refused`].
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// // More than the usual 2 MiB.
    /// let large = |_| [1_u8; 4 << 20].iter().map(|byte| u32::from(*byte)).sum::<u32>();
    /// let pipeline = Pipeline::new().stage("sum", 1, large).stack_size(16 << 20);
    /// assert_eq!(pipeline.collect([()])?, [4 << 20]);
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.0.settings.stack_size = Some(bytes);
        self
    }

    /// A handle to the run, for other threads.
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// Makes each failure an output in place of its item, instead of ending the run.
    pub fn keep_going(mut self) -> KeepGoing<'f, I, O> {
        self.0.settings.keep_going = true;
        KeepGoing(self.0)
    }

    /// Runs the inputs through all stages and returns the outputs.
    ///
    /// All threads have been joined when the call returns; inputs, outputs and stages may borrow
    /// from the caller.
    ///
    /// # Errors
    /// Any [`PipelineError`]. The outputs before it are dropped; [`for_each`](Self::for_each) keeps
    /// them.
    ///
    /// # Panics
    /// If `into_iter` panics, before anything has started.
    pub fn collect<T>(self, inputs: T) -> Result<Vec<O>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        self.run(inputs, |outputs| outputs.collect())
    }

    /// Runs the inputs through all stages and calls `f` with each output, on the calling thread.
    ///
    /// # Errors
    /// Any [`PipelineError`], after `f` has received the outputs before it.
    ///
    /// # Panics
    /// If `f` panics, after all threads have been joined.
    pub fn for_each<T>(self, inputs: T, f: impl FnMut(O)) -> Result<(), PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        self.run(inputs, |outputs| outputs.for_each(f))
    }

    /// Runs the inputs through all stages while `f`, on the calling thread, takes the outputs from
    /// an iterator.
    ///
    /// `f` may return early: the items still in flight are then dropped. The call returns when all
    /// threads have been joined, so it waits for the items that are being processed, and for the
    /// iterator of the inputs if that blocks.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let first = Pipeline::new()
    ///     .stage("square", 2, |n: u64| n * n)
    ///     .run(0.., |mut outputs| outputs.find(|&square| square > 1_000))?;
    /// assert_eq!(first, Some(1_024));
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    ///
    /// # Errors
    /// Any [`PipelineError`] that ended the outputs. One that `f` did not reach is not reported: a
    /// loop that ended there would not have met it either.
    ///
    /// # Panics
    /// If `f` panics, after all threads have been joined.
    pub fn run<T, R>(
        self,
        inputs: T,
        f: impl FnOnce(Outputs<'_, O>) -> R,
    ) -> Result<R, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        let planned = self.0.plan(inputs.into_iter())?;
        scoped(planned, |drain| {
            // Only runs that keep going pass failed items on.
            let mut next = || drain.next()?.ok();
            f(Outputs::new(&mut next))
        })
    }
}

impl<I: Send + 'static, O: Send + 'static> Pipeline<'static, I, O> {
    /// Runs the inputs through all stages in the background, and returns an iterator of the
    /// outputs.
    ///
    /// The iterator ends after an error. Dropping it stops the run and joins its threads.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let outputs = Pipeline::new()
    ///     .try_stage("parse", 2, |text: String| text.parse::<u32>())
    ///     .spawn(["7".to_owned(), "seven".to_owned()])?;
    /// let outputs: Vec<_> = outputs
    ///     .map(|output| output.map_err(|error| error.to_string()))
    ///     .collect();
    /// let failed = "stage \"parse\", item 1: invalid digit found in string";
    /// assert_eq!(outputs, [Ok(7), Err(failed.to_owned())]);
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    ///
    /// # Errors
    /// If the run cannot start: the system refuses a thread, or a setting cannot work. An error
    /// that ends the run later is the last item of the iterator.
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

impl<I, O> fmt::Debug for Pipeline<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("stages", &self.0.shared.gauges().stages)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
