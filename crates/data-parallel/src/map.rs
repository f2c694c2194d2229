//! `map`: one result per input, written to its slot in parallel.

use std::time::Duration;

use rayon::prelude::*;

use crate::data_parallel::DataParallel;
use crate::error::TaskError;
use crate::panic::{TaskPanic, catch};
use crate::progress::Tally;
use crate::stop::Stop;

impl DataParallel {
    /// Runs `f` on each input and returns the results in the order of the inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. The call blocks until all items are
    /// finished. On a worker of the same pool it runs items meanwhile; on a worker of another pool
    /// it only blocks.
    ///
    /// # Errors
    /// Each result is separate: the panic of one item does not affect the others.
    pub fn map<'a, T, R, F>(&self, inputs: &'a [T], f: F) -> Vec<Result<R, TaskPanic>>
    where
        T: Sync,
        R: Send,
        F: Fn(&'a T) -> R + Sync,
    {
        self.each(inputs, |input| catch(|| f(input)))
    }

    /// [`map`](Self::map) that starts no further item once `stop` is stopped. It checks the token
    /// before every item.
    ///
    /// Items that have started by then are waited for, since they may borrow from the caller. Items
    /// that take long can check the token themselves.
    ///
    /// # Errors
    /// Each result is separate: [`TaskError::Panicked`], [`TaskError::Stopped`], or
    /// [`TaskError::TimedOut`] if the time of the token ran out.
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
            None => catch(|| f(input)).map_err(TaskError::from),
        })
    }

    /// [`map_until`](Self::map_until) `time` has passed since the start of the call. It checks the
    /// clock before every item.
    ///
    /// # Errors
    /// As for [`map_until`](Self::map_until).
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

    /// One output per input, written directly to its slot. `f` must not panic.
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
                // One tally for each piece, dropped at its end.
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

/// Concatenates all pieces.
pub(crate) fn joined<R>(pieces: Vec<Vec<R>>, items: usize) -> Vec<R> {
    let mut all = Vec::with_capacity(items);
    for mut piece in pieces {
        all.append(&mut piece);
    }
    all
}

/// Tells errors of items that have run from those of items that never started, which progress
/// does not count.
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

/// Runs `f` on each input, split over the cores: [`DataParallel::map`] on rayon's current or global
/// pool.
///
/// ```
/// let squares = effective_data_parallel::map(&[1, 2, 3], |n| n * n);
/// assert_eq!(squares.into_iter().collect::<Result<Vec<i32>, _>>()?, [1, 4, 9]);
/// # Ok::<(), effective_data_parallel::TaskPanic>(())
/// ```
///
/// # Errors
/// Each result is separate: the panic of one item does not affect the others.
///
/// # Panics
/// If the system refuses the threads of rayon's global pool.
pub fn map<'a, T, R, F>(inputs: &'a [T], f: F) -> Vec<Result<R, TaskPanic>>
where
    T: Sync,
    R: Send,
    F: Fn(&'a T) -> R + Sync,
{
    DataParallel::new().map(inputs, f)
}
