//! `map` and its kin: one thread per input, results by index.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use crate::error::TaskError;
use crate::panic::drop_quietly;
use crate::stop::Stop;
use crate::threads::Threads;
use crate::workers::{EndSignal, Sink, Workers, refusal};

impl Threads {
    /// Runs `f` on each input in a separate thread and returns the results in the order of the
    /// inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. All inputs are taken before the first
    /// thread starts. The call returns when the last of its threads has been joined; no thread
    /// outlives it.
    ///
    /// If the system refuses a thread, or [`max_live_threads`](crate::max_live_threads) are alive,
    /// the call waits for a thread of this or another call to end, and tries again.
    /// [`deadline`](Self::deadline) and [`stop`](Self::stop) end that wait.
    ///
    /// # Errors
    /// Each result is separate: [`TaskError::Panicked`] if the task panicked,
    /// [`TaskError::TimedOut`] after the deadline, [`TaskError::Stopped`] after a stop,
    /// [`TaskError::Refused`] if no thread was available although the call had none running.
    ///
    /// # Panics
    /// If the iterator does, before any task has started.
    pub fn map<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item) -> R + Sync,
    {
        self.collect(inputs, |_, input, _| f(input))
    }

    /// [`map`](Self::map) that passes the token of the call to its tasks, so that they can return
    /// early at the deadline or after a stop. A task that does has a result like any other.
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
    /// assert_eq!(counts.len(), 2); // no endless loop
    /// ```
    ///
    /// # Errors, panics
    /// As for [`map`](Self::map).
    pub fn map_with<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item, &Stop) -> R + Sync,
    {
        self.collect(inputs, |_, input, stop| f(input, stop))
    }

    /// [`map`](Self::map) that passes each result, with the index of its input, to `each` as soon
    /// as its task has ended.
    ///
    /// `each` runs on the calling thread, once per result, while other tasks run. Keep it short:
    /// while it runs, the call neither starts nor joins a thread.
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
    /// order.sort(); // most likely 1, 0 before
    /// assert_eq!(order, [0, 1]);
    /// ```
    ///
    /// # Errors
    /// As for [`map`](Self::map), passed to `each`.
    ///
    /// # Panics
    /// If the iterator does, before any task has started. If `each` does: the call stops, joins its
    /// threads, drops their results and resumes the panic.
    pub fn for_each_completed<I, R, F, G>(&self, inputs: I, f: F, mut each: G)
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item) -> R + Sync,
        G: FnMut(usize, Result<R, TaskError>),
    {
        let inputs = take_all(inputs);
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
        let inputs = take_all(inputs);
        let mut results: Vec<_> = inputs.iter().map(|_| None).collect();
        self.run(&inputs, &self.call_stop(), &f, &mut |index, result| {
            results[index] = Some(result);
        });
        // An unused input whose destructor panics must not lose the results. One by one: a second
        // panic while the others are dropped would abort the process.
        inputs.into_iter().for_each(drop_quietly);
        results
            .into_iter()
            .map(|result| result.expect("each task has a result"))
            .collect()
    }

    /// The token of one call, with a deadline that counts from now.
    fn call_stop(&self) -> Stop {
        let deadline = self
            .deadline
            .and_then(|time| Instant::now().checked_add(time));
        match &self.stop {
            Some(stop) => stop.child(deadline),
            None => Stop::new().child(deadline),
        }
    }

    fn run<T, R, F>(&self, inputs: &[Stored<T>], stop: &Stop, f: &F, sink: Sink<'_, R>)
    where
        T: Send,
        R: Send,
        F: Fn(usize, T, &Stop) -> R + Sync,
    {
        let limit = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        let (ended, ends) = mpsc::channel();
        let ended = &ended;
        thread::scope(|scope| {
            let mut workers = Workers::new(inputs.len(), limit, stop, ends, sink);
            for (index, input) in inputs.iter().enumerate() {
                workers.start(index, || {
                    self.builder(index).spawn_scoped(scope, move || {
                        let _signal = EndSignal::new(index, ended);
                        start(stop, input, |input| f(index, input, stop))
                    })
                });
            }
            workers.join_all();
        });
    }
}

/// Runs a task on its new thread, unless the call was stopped while the thread started, which takes
/// longer than many tasks. In that case the input stays in place.
fn start<T, R>(stop: &Stop, input: &Stored<T>, task: impl FnOnce(T) -> R) -> Result<R, TaskError> {
    if let Some(refused) = refusal(stop) {
        return Err(refused);
    }
    let input = input.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(task(input.expect("a task starts only once")))
}

/// An input that stays with the call until its task takes it: a refused spawn drops its closure,
/// and must not drop the input.
type Stored<T> = Mutex<Option<T>>;

/// The maximum capacity to reserve by a size hint, which may claim any number of inputs.
const MAX_RESERVED: usize = 1 << 16;

fn take_all<I: IntoIterator>(inputs: I) -> Vec<Stored<I::Item>> {
    let inputs = inputs.into_iter();
    let mut taken = Vec::with_capacity(inputs.size_hint().0.min(MAX_RESERVED));
    for input in inputs {
        taken.push(Mutex::new(Some(input)));
    }
    taken
}

/// Runs `f` on each input in a separate thread, all at once: [`Threads::map`] without a limit.
///
/// ```
/// let squares = effective_threads::map(1..=3, |n| n * n);
/// let squares: Result<Vec<i32>, _> = squares.into_iter().collect();
/// assert_eq!(squares?, [1, 4, 9]);
/// # Ok::<(), effective_threads::TaskError>(())
/// ```
///
/// # Errors
/// Each result is separate, as for [`Threads::map`].
///
/// # Panics
/// If the iterator does, before any task has started.
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
    fn task_does_not_start_after_its_call_was_stopped() {
        let stop = Stop::new();
        let input = Mutex::new(Some(7));
        stop.stop();
        let started = start(&stop, &input, |n| n);
        assert!(matches!(started, Err(TaskError::Stopped)), "{started:?}");
        assert_eq!(input.into_inner().unwrap(), Some(7));
    }

    #[test]
    fn task_does_not_start_after_the_deadline() {
        let stop = Stop::new().child(Some(Instant::now()));
        let started = start(&stop, &Mutex::new(Some(7)), |n| n);
        assert!(matches!(started, Err(TaskError::TimedOut)), "{started:?}");
    }
}
