use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::buffer::Buffer;
use crate::error::{Cause, PipelineError};
use crate::handle::{Handle, Shared};
use crate::keep_going::KeepGoing;
use crate::outputs::Outputs;
use crate::plan::{Plan, Planned, Settings};
use crate::running::{Collected, Running, scoped, spawned};
use crate::task_panic::drop_contained;
use crate::worker::Entry;

const DEFAULT_BUFFER: usize = 16;

type Wire<'f, I, O> =
    Box<dyn FnOnce(&mut Plan<'f>, Arc<Buffer<Entry<I>>>) -> Arc<Buffer<Entry<O>>> + Send + 'f>;

/// Stages that items pass through one after another, each stage on threads of its own: how many, what they do, and what
/// is between them.
///
/// `I` is what goes in and `O` what comes out; each stage added changes `O`. A pipeline runs once: by
/// [`collect`](Self::collect), [`for_each`](Self::for_each) or [`run`](Self::run), which may borrow from the caller, or in
/// the background by [`spawn`](Self::spawn).
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
/// The outputs come in the order of their inputs, unless [`unordered`](Self::unordered) was asked for.
///
/// # Errors
/// The first failure ends the run, and says which stage and which item. A panic of a stage is such a failure. With
/// ordered outputs it is the failure that a loop over the inputs would have met first: the outputs of all items before
/// it still come. [`keep_going`](Self::keep_going) makes failures part of the outputs instead.
///
/// # What is in flight
/// The inputs are pulled one at a time, and no earlier than there is room for them. In front of each stage, and in front
/// of whoever takes the outputs, wait at most [`buffer`](Self::buffer) items, and each worker holds at most one. So with
/// `s` stages, `w` workers in all, and a buffer of `b` there are never more than `(s + 1) · b + w + 1` items between the
/// iterator of the inputs and the taker of the outputs, the last one being an input that was pulled and waits for room.
/// Items that wait to be put in order are part of this number.
#[must_use = "a pipeline does nothing until it is run"]
pub struct Pipeline<'f, I, O> {
    shared: Arc<Shared>,
    settings: Settings,
    wire: Wire<'f, I, O>,
}

impl<'f, I: Send + 'f> Pipeline<'f, I, I> {
    /// A pipeline without stages, whose outputs are its inputs.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared::new()),
            settings: Settings {
                buffer: DEFAULT_BUFFER,
                ordered: true,
                keep_going: false,
                deadline: None,
                stack_size: None,
            },
            wire: Box::new(|_, entrance| entrance),
        }
    }
}

impl<'f, I: Send + 'f> Default for Pipeline<'f, I, I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'f, I: Send + 'f, O: Send + 'f> Pipeline<'f, I, O> {
    /// Add a stage that cannot fail, done by so many `workers`: threads of its own. The name is for errors and counts;
    /// the threads are called `name-0`, `name-1`, …
    ///
    /// A stage takes as many workers as make it as fast as its neighbours. More than one lets items overtake each other,
    /// which is put right at the end unless the outputs may be [`unordered`](Self::unordered).
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
        self.add(name.into(), workers, move |item| Ok(work(item)))
    }

    /// Add a stage that can fail, done by so many `workers`. Each stage may have an error type of its own; text will do.
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
        self.add(name.into(), workers, move |item| {
            work(item).map_err(|error| Cause::Error(error.into()))
        })
    }

    fn add<P, F>(self, name: Arc<str>, workers: usize, work: F) -> Pipeline<'f, I, P>
    where
        P: Send + 'f,
        F: Fn(O) -> Result<P, Cause> + Send + Sync + 'f,
    {
        self.shared.add_stage(name, workers);
        let before = self.wire;
        Pipeline {
            shared: self.shared,
            settings: self.settings,
            wire: Box::new(move |plan, entrance| {
                let input = before(plan, entrance);
                plan.man(&input, work)
            }),
        }
    }

    /// Let at most so many items wait in front of each stage, and in front of whoever takes the outputs: at least 1, and
    /// 16 unless said otherwise. A larger buffer evens out items of uneven cost and wakes threads less often; a smaller
    /// one holds less memory.
    pub fn buffer(mut self, items: usize) -> Self {
        self.settings.buffer = items;
        self
    }

    /// Have the outputs in the order of their inputs. This is how it is unless said otherwise.
    pub fn ordered(mut self) -> Self {
        self.settings.ordered = true;
        self
    }

    /// Have each output as soon as it is done. Nothing then waits behind an item that takes long, and a failure ends the
    /// run at once, whatever came before it.
    pub fn unordered(mut self) -> Self {
        self.settings.ordered = false;
        self
    }

    /// End the run `time` after it began, with [`PipelineError::DeadlinePassed`]: no item is begun later than that, and
    /// the threads end, also while nobody asks for an output. An item that a stage has begun is waited for, since a
    /// thread cannot be interrupted, and then dropped.
    ///
    /// A run whose last item was through in time is not affected: its outputs can be taken later.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.settings.deadline = Some(time);
        self
    }

    /// Give each thread a stack of `bytes`, instead of std's default (2 MiB, or the variable `RUST_MIN_STACK`). What the
    /// system cannot give makes the run [`PipelineError::Refused`].
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// A hold on the run, for other threads.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Make each failure an output in place of its item, and go on with the others.
    pub fn keep_going(mut self) -> KeepGoing<'f, I, O> {
        self.settings.keep_going = true;
        KeepGoing(self)
    }

    /// Run the inputs through all stages and return the outputs.
    ///
    /// The call returns when all its threads have been joined; inputs, outputs and stages may borrow from the caller.
    ///
    /// # Errors
    /// Any [`PipelineError`]. The outputs that had come until then are dropped; to have them, use
    /// [`for_each`](Self::for_each).
    ///
    /// # Panics
    /// When `into_iter` does, before anything has started.
    pub fn collect<T>(self, inputs: T) -> Result<Vec<O>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        let outputs = self.run(inputs, |outputs| Collected(outputs.collect()))?;
        Ok(outputs.into_inner())
    }

    /// Run the inputs through all stages and give each output to `f`, on the calling thread.
    ///
    /// # Errors
    /// Any [`PipelineError`], after `f` has had the outputs that came before it.
    ///
    /// # Panics
    /// When `f` does, after all threads have been joined.
    pub fn for_each<T>(self, inputs: T, f: impl FnMut(O)) -> Result<(), PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        self.run(inputs, |outputs| outputs.for_each(f))
    }

    /// Run the inputs through all stages while `f`, on the calling thread, takes the outputs from an iterator.
    ///
    /// `f` may leave off when it likes: when it returns, what is still under way is stopped and dropped. The call returns
    /// when all its threads have been joined, so it waits for the items in work, and for the iterator of the inputs if
    /// that is blocked.
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
    /// Any [`PipelineError`] that ended the outputs. One that `f` did not get to is not reported: a loop that left off
    /// there would not have met it either.
    ///
    /// # Panics
    /// When `f` does, after all threads have been joined.
    pub fn run<T, R>(
        self,
        inputs: T,
        f: impl FnOnce(Outputs<'_, O>) -> R,
    ) -> Result<R, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send,
    {
        scoped(self, inputs.into_iter(), |drain| {
            // Failed items are handed on only in runs that keep going.
            let mut next = || drain.next()?.ok();
            f(Outputs::new(&mut next))
        })
    }

    pub(crate) fn plan<'run, T>(self, inputs: T) -> Result<Planned<'run, O>, PipelineError>
    where
        T: Iterator<Item = I> + Send + 'run,
        'f: 'run,
    {
        let mut plan = match Plan::new(&self.shared, self.settings) {
            Ok(plan) => plan,
            Err(error) => {
                // Both are the user's, and their panics must not take the place of the error.
                drop_contained(self.wire);
                drop_contained(inputs);
                return Err(error);
            }
        };
        let entrance = plan.entrance();
        let exit = (self.wire)(&mut plan, Arc::clone(&entrance));
        Ok(plan.finish(inputs, entrance, exit))
    }
}

impl<I: Send + 'static, O: Send + 'static> Pipeline<'static, I, O> {
    /// Run the inputs through all stages in the background, and return an iterator of the outputs.
    ///
    /// After an error the iterator ends. Dropping it stops the run and waits until its threads have ended.
    ///
    /// ```
    /// use effective_pipeline::Pipeline;
    ///
    /// let outputs = Pipeline::new()
    ///     .try_stage("parse", 2, |text: String| text.parse::<u32>())
    ///     .spawn(["7".to_owned(), "seven".to_owned()])?;
    /// let outputs: Vec<_> = outputs.map(|output| output.map_err(|error| error.to_string())).collect();
    /// assert_eq!(
    ///     outputs,
    ///     [Ok(7), Err("stage \"parse\", item 1: invalid digit found in string".to_owned())]
    /// );
    /// # Ok::<(), effective_pipeline::PipelineError>(())
    /// ```
    ///
    /// # Errors
    /// When it cannot start: the system refuses a thread, or a setting cannot work. What ends the run later is the last
    /// item of the iterator.
    ///
    /// # Panics
    /// When `into_iter` does, before anything has started.
    pub fn spawn<T>(self, inputs: T) -> Result<Running<O>, PipelineError>
    where
        T: IntoIterator<Item = I>,
        T::IntoIter: Send + 'static,
    {
        spawned(self, inputs.into_iter())
    }
}

impl<I, O> fmt::Debug for Pipeline<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("stages", &self.shared.gauges().stages)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
