use std::time::Duration;

use rayon::prelude::*;

use crate::contain::contain;
use crate::progress::Tally;
use crate::{DataParallel, Stop, TaskError, TaskPanic};

impl DataParallel {
    /// Run `f` on each input and return the results in the order of the inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. The call blocks until all items are done; called on a worker
    /// of the same pool, it runs items itself meanwhile. Called on a worker of another pool, it only blocks.
    ///
    /// # Errors
    /// Each result by itself: the panic of its item. The other items are not affected.
    pub fn map<'a, T, R, F>(&self, inputs: &'a [T], f: F) -> Vec<Result<R, TaskPanic>>
    where
        T: Sync,
        R: Send,
        F: Fn(&'a T) -> R + Sync,
    {
        self.each(inputs, |input| contain(|| f(input)))
    }

    /// [`map`](Self::map) that starts no further item once `stop` is stopped. It looks at the token before every item.
    ///
    /// Items which have started by then are waited for, since they may borrow from the caller. Those that take long may
    /// look at the token themselves.
    ///
    /// # Errors
    /// Each result by itself: [`TaskError::Panicked`], [`TaskError::Stopped`], or [`TaskError::NotStarted`] when the
    /// time of the token was up.
    pub fn map_until<'a, T, R, F>(
        &self,
        stop: &Stop,
        inputs: &'a [T],
        f: F,
    ) -> Vec<Result<R, TaskError>>
    where
        T: Sync,
        R: Send,
        F: Fn(&'a T) -> R + Sync,
    {
        self.each(inputs, |input| match stop.reason() {
            Some(why) => Err(why),
            None => contain(|| f(input)).map_err(TaskError::from),
        })
    }

    /// [`map_until`](Self::map_until) the time is up, counted from here. It looks at the clock before every item.
    ///
    /// # Errors
    /// As of [`map_until`](Self::map_until).
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
        self.map_until(&Stop::within(time), inputs, f)
    }

    /// One output per input, written straight to its place. `f` must not panic.
    fn each<'a, T, R, E, F>(&self, inputs: &'a [T], f: F) -> Vec<Result<R, E>>
    where
        T: Sync,
        R: Send,
        E: Countable + Send,
        F: Fn(&'a T) -> Result<R, E> + Sync,
    {
        let progress = self.expect(inputs.len());
        let mut outputs = Vec::new();
        self.install(|| {
            let (least, most) = match self.items_at_a_time() {
                Some(grain) => (grain, grain),
                None => (1, self.piece(inputs.len())),
            };
            let inputs = inputs.par_iter().with_min_len(least).with_max_len(most);
            #[expect(
                clippy::redundant_closure,
                reason = "rayon calls an `&F` out of line for each item"
            )]
            match progress {
                None => inputs.map(|input| f(input)).collect_into_vec(&mut outputs),
                // A tally of its own for each piece, dropped at its end.
                Some(_) => inputs
                    .map_init(
                        || Tally::new(progress),
                        |tally, input| {
                            let output = f(input);
                            if let Some(tally) = tally
                                && output.as_ref().err().is_none_or(Countable::counts)
                            {
                                tally.add(1);
                            }
                            output
                        },
                    )
                    .collect_into_vec(&mut outputs),
            }
        });
        outputs
    }
}

/// All pieces in one vector.
pub(crate) fn joined<R>(pieces: Vec<Vec<R>>, items: usize) -> Vec<R> {
    let mut all = Vec::with_capacity(items);
    for mut piece in pieces {
        all.append(&mut piece);
    }
    all
}

/// Errors of items that were done, and of those that never started, which progress does not count.
trait Countable {
    fn counts(&self) -> bool;
}

impl Countable for TaskPanic {
    fn counts(&self) -> bool {
        true
    }
}

impl Countable for TaskError {
    fn counts(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

/// Run `f` on each input, split over the cores: [`DataParallel::map`] on rayon's current or global pool.
///
/// ```
/// let squares = effective_data_parallel::map(&[1, 2, 3], |n| n * n);
/// assert_eq!(squares.into_iter().collect::<Result<Vec<i32>, _>>()?, [1, 4, 9]);
/// # Ok::<(), effective_data_parallel::TaskPanic>(())
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
