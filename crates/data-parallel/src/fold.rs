use std::time::Duration;

use rayon::prelude::*;

use crate::contain::{Discardable, contain, drop_contained};
use crate::progress::Tally;
use crate::{DataParallel, Stop, TaskError, TaskPanic};

impl DataParallel {
    /// Fold the inputs to one value: pieces of them in parallel, each from `identity()`, and `combine` the pieces.
    ///
    /// Pieces are combined in the order of the inputs, so `combine` need not be commutative. It must be associative,
    /// and `identity()` neutral to it, for the result not to depend on how the work was split; sums of floating-point
    /// numbers are neither and differ in their last digits from run to run.
    ///
    /// # Errors
    /// The panic of `identity`, `fold` or `combine`. No piece starts after it; of several panics one is returned. The
    /// values of other pieces are dropped then, and the panic of a `Drop`, should one panic, is discarded.
    /// Only a `Drop` that panics while the very function which holds the value unwinds aborts the process, as everywhere.
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
        // One catch for the whole piece, so that the loop over its items stays one the compiler can unroll.
        let piece = |items: &'a [T]| {
            contain(|| match Tally::new(progress) {
                None => items.iter().fold(identity(), &fold),
                Some(tally) => counted(items, identity(), &fold, tally),
            })
        };
        self.pieces(inputs, piece, |a, b| contain(|| combine(a, b)))
            .unwrap_or_else(|| contain(&identity))
    }

    /// [`fold`](Self::fold) that gives up when `stop` is stopped before it is through all inputs. It looks at the token
    /// before every item.
    ///
    /// Items which have started by then are waited for, since they may borrow from the caller.
    ///
    /// # Errors
    /// [`TaskError::Panicked`]; [`TaskError::Stopped`], or [`TaskError::NotStarted`] when the time of the token was up,
    /// before the last item had started.
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
            contain(|| {
                items.iter().try_fold(identity(), |folded, item| {
                    if let Some(why) = stop.reason() {
                        drop_contained(folded);
                        return Err(why);
                    }
                    let _counted = tally.as_mut().map(|tally| Begun::new(tally, 1));
                    Ok(fold(folded, item))
                })
            })?
        };
        let combine = |a, b| contain(|| combine(a, b)).map_err(TaskError::from);
        self.pieces(inputs, piece, combine)
            .unwrap_or_else(|| contain(&identity).map_err(TaskError::from))
    }

    /// [`fold_until`](Self::fold_until) the time is up, counted from here. It looks at the clock before every item.
    ///
    /// # Errors
    /// As of [`fold_until`](Self::fold_until).
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

    /// `None` when there are no inputs.
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
        P: Fn(&'a [T]) -> Result<A, E> + Sync,
        C: Fn(A, A) -> Result<A, E> + Sync,
    {
        self.install(|| {
            let items = self.piece(inputs.len());
            inputs
                .par_chunks(items)
                .map(|items| piece(items).map(Discardable::new))
                // After a failure rayon drops the values at hand. A panic in there would be the caller's.
                .try_reduce_with(|a, b| {
                    combine(a.into_inner(), b.into_inner()).map(Discardable::new)
                })
        })
        .map(|folded| folded.map(Discardable::into_inner))
    }
}

/// A fold of one piece, a block of items at a time, which is counted when it is done, or when an item panics.
fn counted<'a, T, A>(
    mut items: &'a [T],
    mut folded: A,
    fold: impl Fn(A, &'a T) -> A,
    mut tally: Tally<'_>,
) -> A {
    while !items.is_empty() {
        let (block, rest) = items.split_at(tally.items().min(items.len()));
        let mut begun = Begun::new(&mut tally, 0);
        folded = block.iter().fold(folded, |folded, item| {
            begun.items += 1;
            fold(folded, item)
        });
        drop(begun);
        items = rest;
    }
    folded
}

/// Items that have begun. They are counted as done when this is dropped, so that one that panics is counted as well.
struct Begun<'t, 'a> {
    tally: &'t mut Tally<'a>,
    items: usize,
}

impl<'t, 'a> Begun<'t, 'a> {
    fn new(tally: &'t mut Tally<'a>, items: usize) -> Self {
        Self { tally, items }
    }
}

impl Drop for Begun<'_, '_> {
    fn drop(&mut self) {
        self.tally.add(self.items);
    }
}
