use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::contain::contain;
use crate::{DataParallel, TaskError, TaskPanic};

impl DataParallel {
    /// Run `f` on each input and return the results in the order of the inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. The call blocks until all items are done; called on a worker
    /// of the same pool, it runs items itself meanwhile.
    ///
    /// # Errors
    /// Each result by itself: the panic of its item. The other items are not affected.
    pub fn map<'a, T, R, F>(&self, inputs: &'a [T], f: F) -> Vec<Result<R, TaskPanic>>
    where
        T: Sync,
        R: Send,
        F: Fn(&'a T) -> R + Sync,
    {
        self.each(inputs, |_, input| contain(|| f(input)))
    }

    /// [`map`](Self::map) that starts no item later than `time` after the call began. It looks at the
    /// clock before every item.
    ///
    /// Items which have started by then are waited for, since they may borrow from the caller.
    ///
    /// # Errors
    /// Each result by itself: [`TaskError::Panicked`], or [`TaskError::NotStarted`] when the time was up.
    pub fn map_within<'a, T, R, F>(
        &self,
        time: Duration,
        inputs: &'a [T],
        f: F,
    ) -> Vec<Result<R, TaskError>>
    where
        T: Sync,
        R: Send,
        F: Fn(&'a T) -> R + Sync,
    {
        let deadline = Deadline::after(time);
        self.each(inputs, |_, input| {
            if deadline.has_passed() {
                return Err(TaskError::NotStarted);
            }
            contain(|| f(input)).map_err(TaskError::from)
        })
    }

    /// One output per input, written straight to its place. `f` must not panic.
    pub(crate) fn each<'a, T, O, F>(&self, inputs: &'a [T], f: F) -> Vec<O>
    where
        T: Sync,
        O: Send,
        F: Fn(usize, &'a T) -> O + Sync,
    {
        let (least, most) = self
            .items_at_a_time()
            .map_or((1, usize::MAX), |grain| (grain, grain));
        let mut outputs = Vec::new();
        self.install(|| {
            inputs
                .par_iter()
                .enumerate()
                .with_min_len(least)
                .with_max_len(most)
                .map(|(index, input)| f(index, input))
                .collect_into_vec(&mut outputs);
        });
        outputs
    }
}

/// Run `f` on each input, split over the cores: [`DataParallel::map`] on rayon's current or global pool.
///
/// ```
/// let squares = data_parallel::map(&[1, 2, 3], |n| n * n);
/// assert_eq!(squares.into_iter().collect::<Result<Vec<i32>, _>>()?, [1, 4, 9]);
/// # Ok::<(), data_parallel::TaskPanic>(())
/// ```
///
/// # Errors
/// Each result by itself: the panic of its item.
///
/// # Panics
/// When the system refuses rayon the threads of its global pool.
pub fn map<'a, T, R, F>(inputs: &'a [T], f: F) -> Vec<Result<R, TaskPanic>>
where
    T: Sync,
    R: Send,
    F: Fn(&'a T) -> R + Sync,
{
    DataParallel::new().map(inputs, f)
}

/// A time that may lie beyond what the clock can express, and then never comes.
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
