use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use crate::crew::{Crew, Member, Sink, refusal};
use crate::panic::drop_quietly;
use crate::{Stop, TaskError, Threads};

impl Threads {
    /// Run `f` on each input in a thread of its own and return the results in the order of the inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. All inputs are taken before the first thread starts. The
    /// call returns when the last of its threads has been joined; no thread outlives it.
    ///
    /// When the system refuses a thread, or [`max_live_threads`](crate::max_live_threads) are alive, the call waits for
    /// one to end, its own or another call's, and tries again. [`deadline`](Self::deadline) and [`stop`](Self::stop) end
    /// that wait.
    ///
    /// # Errors
    /// Each result by itself: [`TaskError::Panicked`] when the task panicked, [`TaskError::NotStarted`] after the
    /// deadline, [`TaskError::Stopped`] after a stop, [`TaskError::Refused`] when no thread could be had although the
    /// call had none running.
    ///
    /// # Panics
    /// When the iterator does, before anything has started.
    pub fn map<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item) -> R + Sync,
    {
        self.collect(inputs, |_, input, _| f(input))
    }

    /// [`map`](Self::map) whose tasks see when they should end early: at the deadline, or when stopped. What `f` returns
    /// then is a result like any other.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_threads::Threads;
    ///
    /// let threads = Threads::new().deadline(Duration::from_millis(5));
    /// let counts = threads.map_with([1, 2], |step, stop| {
    ///     let mut count: u64 = 0;
    ///     while !stop.is_stopped() {
    ///         count += step;
    ///     }
    ///     count
    /// });
    /// assert_eq!(counts.len(), 2); // and not an endless loop
    /// ```
    ///
    /// # Errors, panics
    /// As of [`map`](Self::map).
    pub fn map_with<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item, &Stop) -> R + Sync,
    {
        self.collect(inputs, |_, input, stop| f(input, stop))
    }

    /// [`map`](Self::map) that hands each result, with the index of its input, to `each` as soon as its task has ended.
    ///
    /// `each` runs on the calling thread, one result after another and every one of them, while other tasks go on. It
    /// should be short: while it runs, the call neither starts nor joins a thread.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use effective_threads::Threads;
    ///
    /// let mut order = Vec::new();
    /// Threads::new().for_each_completed(
    ///     [60, 0],
    ///     |ms| thread::sleep(Duration::from_millis(ms)),
    ///     |index, _result| order.push(index),
    /// );
    /// order.sort(); // by then it is likely 1, 0
    /// assert_eq!(order, [0, 1]);
    /// ```
    ///
    /// # Errors
    /// As of [`map`](Self::map), handed to `each`.
    ///
    /// # Panics
    /// When the iterator does, before anything has started. When `each` does: then the call stops, waits for the
    /// threads it has, drops their results and goes on panicking.
    pub fn for_each_completed<I, R, F, G>(&self, inputs: I, f: F, mut each: G)
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item) -> R + Sync,
        G: FnMut(usize, Result<R, TaskError>),
    {
        let inputs = Inputs::take_all(inputs);
        self.run(
            &inputs,
            &self.call_stop(),
            &|_, input, _| f(input),
            &mut each,
        );
    }

    pub(crate) fn collect<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(usize, I::Item, &Stop) -> R + Sync,
    {
        let inputs = Inputs::take_all(inputs);
        let mut results: Vec<_> = inputs.0.iter().map(|_| None).collect();
        self.run(&inputs, &self.call_stop(), &f, &mut |index, result| {
            results[index] = Some(result);
        });
        drop(inputs);
        results
            .into_iter()
            .map(|result| result.expect("each task is settled"))
            .collect()
    }

    /// The token of one call: the deadline counts from here.
    fn call_stop(&self) -> Stop {
        let deadline = self
            .deadline
            .and_then(|time| Instant::now().checked_add(time));
        match &self.stop {
            Some(stop) => stop.below(deadline),
            None => Stop::new().below(deadline),
        }
    }

    fn run<T, R, F>(&self, inputs: &Inputs<T>, stop: &Stop, f: &F, sink: Sink<'_, R>)
    where
        T: Send,
        R: Send,
        F: Fn(usize, T, &Stop) -> R + Sync,
    {
        let limit = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        let (ended, ends) = mpsc::channel();
        let ended = &ended;
        thread::scope(|scope| {
            let mut crew = Crew::new(inputs.0.len(), limit, stop, ends, sink);
            for (index, input) in inputs.0.iter().enumerate() {
                crew.admit(index, || {
                    self.builder(index).spawn_scoped(scope, move || {
                        let _member = Member::new(index, ended);
                        start(stop, input, |input| f(index, input, stop))
                    })
                });
            }
            crew.finish();
        });
    }
}

/// Run a task on its own new thread, unless the call was stopped while the thread started: that takes longer than many
/// a task. The input then stays where it is.
fn start<T, R>(stop: &Stop, input: &Stored<T>, task: impl FnOnce(T) -> R) -> Result<R, TaskError> {
    if let Some(refused) = refusal(stop) {
        return Err(refused);
    }
    let input = input.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(task(input.expect("a task starts only once")))
}

/// A refused spawn drops its closure. The input stays with the call, so that it can be tried again.
type Stored<T> = Mutex<Option<T>>;

/// The inputs of a call. Those that no task has taken are dropped one by one and contained, also when the call panics:
/// an input that panics when dropped must not take the results, or the process, with it.
struct Inputs<T>(Vec<Stored<T>>);

/// Room to reserve for inputs that are only announced: an iterator may claim any number of them.
const MOST_RESERVED: usize = 1 << 16;

impl<T> Inputs<T> {
    fn take_all<I: IntoIterator<Item = T>>(inputs: I) -> Self {
        let inputs = inputs.into_iter();
        let announced = inputs.size_hint().0.min(MOST_RESERVED);
        let mut taken = Self(Vec::with_capacity(announced));
        for input in inputs {
            taken.0.push(Mutex::new(Some(input)));
        }
        taken
    }
}

impl<T> Drop for Inputs<T> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(drop_quietly);
    }
}

/// Run `f` on each input in a thread of its own, all at once: [`Threads::map`] without a limit.
///
/// ```
/// let squares = effective_threads::map(1..=3, |n| n * n);
/// let squares: Result<Vec<i32>, _> = squares.into_iter().collect();
/// assert_eq!(squares?, [1, 4, 9]);
/// # Ok::<(), effective_threads::TaskError>(())
/// ```
///
/// # Errors
/// Each result by itself, as of [`Threads::map`].
///
/// # Panics
/// When the iterator does, before anything has started.
pub fn map<I, R, F>(inputs: I, f: F) -> Vec<Result<R, TaskError>>
where
    I: IntoIterator,
    I::Item: Send,
    R: Send,
    F: Fn(I::Item) -> R + Sync,
{
    Threads::new().map(inputs, f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_does_not_begin_once_its_call_is_stopped() {
        let stop = Stop::new();
        let input = Mutex::new(Some(7));
        stop.stop();
        let begun = start(&stop, &input, |n| n);
        assert!(matches!(begun, Err(TaskError::Stopped)), "{begun:?}");
        assert_eq!(input.into_inner().unwrap(), Some(7));
    }

    #[test]
    fn a_task_does_not_begin_once_the_deadline_has_passed() {
        let stop = Stop::new().below(Some(Instant::now()));
        let begun = start(&stop, &Mutex::new(Some(7)), |n| n);
        assert!(matches!(begun, Err(TaskError::NotStarted)), "{begun:?}");
    }
}
