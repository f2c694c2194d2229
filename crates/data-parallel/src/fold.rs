//! `fold`: the inputs reduced to one value, piece by piece.

use std::time::Duration;

use rayon::prelude::*;

use crate::data_parallel::DataParallel;
use crate::error::TaskError;
use crate::panic::{Quiet, TaskPanic, catch, drop_quietly};
use crate::progress::Tally;
use crate::stop::Stop;

impl DataParallel {
    /// Folds pieces of the inputs in parallel, each from `identity()`, and combines the pieces.
    ///
    /// Pieces are combined in the order of the inputs, so `combine` need not be commutative. For a
    /// result that does not depend on how the inputs were split, `combine` must be associative and
    /// `identity()` its neutral element. Floating-point addition is not associative: such sums
    /// differ in their last digits from run to run.
    ///
    /// # Errors
    /// The panic of `identity`, `fold` or `combine`. No piece starts after it; of several panics,
    /// one is returned. The values of other pieces are dropped.
    pub fn fold<'a, T, A, I, F, C>(
        &self,
        inputs: &'a [T],
        identity: I,
        fold: F,
        combine: C,
    ) -> Result<A, TaskPanic>
    where
        T: Sync,
        A: Send,
        I: Fn() -> A + Sync,
        F: Fn(A, &'a T) -> A + Sync,
        C: Fn(A, A) -> A + Sync,
    {
        let progress = self.expect(inputs.len());
        // One catch for the whole piece, so that the compiler can unroll the loop over its items.
        let piece = |items: &'a [T]| {
            catch(|| match Tally::new(progress) {
                None => items.iter().fold(identity(), &fold),
                Some(tally) => counted(items, identity(), &fold, tally),
            })
        };
        self.pieces(inputs, piece, |a, b| catch(|| combine(a, b)))
            .unwrap_or_else(|| catch(&identity))
    }

    /// [`fold`](Self::fold) that fails if `stop` is stopped before the last item has started. It
    /// checks the token before every item.
    ///
    /// Items that have started by then are waited for, since they may borrow from the caller.
    ///
    /// # Errors
    /// [`TaskError::Panicked`], [`TaskError::Stopped`], or [`TaskError::TimedOut`] if the time of
    /// the token ran out.
    pub fn fold_until<'a, T, A, I, F, C>(
        &self,
        stop: &Stop,
        inputs: &'a [T],
        identity: I,
        fold: F,
        combine: C,
    ) -> Result<A, TaskError>
    where
        T: Sync,
        A: Send,
        I: Fn() -> A + Sync,
        F: Fn(A, &'a T) -> A + Sync,
        C: Fn(A, A) -> A + Sync,
    {
        let progress = self.expect(inputs.len());
        let piece = |items: &'a [T]| {
            let mut tally = Tally::new(progress);
            catch(|| {
                items.iter().try_fold(identity(), |folded, item| {
                    if let Some(why) = stop.reason() {
                        // A destructor that panics must not replace the reason.
                        drop_quietly(folded);
                        return Err(why);
                    }
                    let _counted = tally.as_mut().map(|tally| Started::new(tally, 1));
                    Ok(fold(folded, item))
                })
            })?
        };
        let combine = |a, b| catch(|| combine(a, b)).map_err(TaskError::from);
        self.pieces(inputs, piece, combine)
            .unwrap_or_else(|| catch(&identity).map_err(TaskError::from))
    }

    /// [`fold_until`](Self::fold_until) `time` has passed since the start of the call. It checks
    /// the clock before every item.
    ///
    /// # Errors
    /// As for [`fold_until`](Self::fold_until).
    pub fn fold_within<'a, T, A, I, F, C>(
        &self,
        time: Duration,
        inputs: &'a [T],
        identity: I,
        fold: F,
        combine: C,
    ) -> Result<A, TaskError>
    where
        T: Sync,
        A: Send,
        I: Fn() -> A + Sync,
        F: Fn(A, &'a T) -> A + Sync,
        C: Fn(A, A) -> A + Sync,
    {
        self.fold_until(&Stop::within(time), inputs, identity, fold, combine)
    }

    /// `None` if there are no inputs.
    fn pieces<'a, T, A, E, P, C>(
        &self,
        inputs: &'a [T],
        piece: P,
        combine: C,
    ) -> Option<Result<A, E>>
    where
        T: Sync,
        A: Send,
        E: Send,
        P: Fn(&'a [T]) -> Result<A, E> + Send + Sync,
        C: Fn(A, A) -> Result<A, E> + Send + Sync,
    {
        self.install(|| {
            let items = self.piece(inputs.len());
            inputs
                .par_chunks(items)
                .map(|items| piece(items).map(Quiet::new))
                // After a failure, rayon drops the values of other pieces.
                .try_reduce_with(|a, b| combine(a.into_inner(), b.into_inner()).map(Quiet::new))
        })
        .map(|folded| folded.map(Quiet::into_inner))
    }
}

/// Folds one piece, a block of items at a time. A block is counted at its end, or when an item
/// panics.
fn counted<'a, T, A>(
    mut items: &'a [T],
    mut folded: A,
    fold: impl Fn(A, &'a T) -> A,
    mut tally: Tally<'_>,
) -> A {
    while !items.is_empty() {
        let (block, rest) = items.split_at(tally.items().min(items.len()));
        let mut started = Started::new(&mut tally, 0);
        folded = block.iter().fold(folded, |folded, item| {
            started.items += 1;
            fold(folded, item)
        });
        drop(started);
        items = rest;
    }
    folded
}

/// Items that have started. The drop counts them as done, so that an item that panics is counted
/// as well.
struct Started<'t, 'a> {
    tally: &'t mut Tally<'a>,
    items: usize,
}

impl<'t, 'a> Started<'t, 'a> {
    fn new(tally: &'t mut Tally<'a>, items: usize) -> Self {
        Self { tally, items }
    }
}

impl Drop for Started<'_, '_> {
    fn drop(&mut self) {
        self.tally.add(self.items);
    }
}
