//! The inputs of a map and the places of its results, claimed by one atomic step.
//!
//! Inputs are claimed from the first to the last, a stretch at a time, by adding to one counter: so each belongs to one
//! claim. Whoever has a claim moves its inputs out and puts the results into the places of the same numbers; nobody has
//! to collect or to sort them afterwards. What nobody claimed when the map was stopped is the rest behind the last
//! claim.

#![allow(
    unsafe_code,
    reason = "disjoint parts of one buffer, written by several threads"
)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crossbeam_utils::CachePadded;

use crate::panic::drop_contained;
use crate::sleep::MAX_WORKERS;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::{JobError, TaskPanic};

pub(super) struct Slots<T, R> {
    /// The first input that nobody has claimed; beyond the last when there is none.
    next: CachePadded<AtomicUsize>,
    total: usize,
    inputs: Buffer<T>,
    results: Buffer<Result<R, JobError>>,
}

/// The memory of a vector, without what is in it.
struct Buffer<V> {
    start: NonNull<V>,
    capacity: usize,
    values: PhantomData<V>,
}

impl<V> Buffer<V> {
    fn new(vector: Vec<V>) -> Self {
        let mut vector = ManuallyDrop::new(vector);
        Self {
            // SAFETY: a vector never points to null.
            start: unsafe { NonNull::new_unchecked(vector.as_mut_ptr()) },
            capacity: vector.capacity(),
            values: PhantomData,
        }
    }

    /// Where the value of this number is.
    ///
    /// # Safety
    /// The number is below the capacity.
    unsafe fn at(&self, number: usize) -> *mut V {
        // SAFETY: within the memory of the vector.
        unsafe { self.start.as_ptr().add(number) }
    }

    /// The vector again, with its first `length` values.
    ///
    /// # Safety
    /// These are there, and the buffer is not used any more.
    unsafe fn vector(&self, length: usize) -> Vec<V> {
        // SAFETY: These are the parts of a vector, and the caller vouches for the values.
        unsafe { Vec::from_raw_parts(self.start.as_ptr(), length, self.capacity) }
    }
}

// SAFETY: Inputs and results go from thread to thread, for which they are `Send`; each is touched by one thread at a time:
// by who has claimed it, by who dropped the rest, or by who has the slots to itself. What is shared is the counter.
unsafe impl<T: Send, R: Send> Send for Slots<T, R> {}
// SAFETY: as above.
unsafe impl<T: Send, R: Send> Sync for Slots<T, R> {}

/// The most inputs of one claim, for a counter that goes up to `max`: all workers together then add
/// at most half of `max` after the last input. The other half is enough for the total, which is at
/// most `isize::MAX`: a result is never zero-sized, and no allocation is larger than that.
///
/// On 64 bits no map is large enough to reach this limit.
const fn longest_claim(max: usize) -> usize {
    max / (2 * (MAX_WORKERS + 1))
}

impl<T, R> Slots<T, R> {
    pub(super) fn new(inputs: Vec<T>) -> Self {
        let total = inputs.len();
        Self {
            next: CachePadded::new(AtomicUsize::new(0)),
            total,
            inputs: Buffer::new(inputs),
            results: Buffer::new(Vec::with_capacity(total)),
        }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// How many inputs nobody has claimed.
    pub(super) fn unclaimed(&self) -> usize {
        // The order of what is read and written elsewhere does not rest on this counter: whoever has claimed something is
        // counted, under a lock, until it is through.
        self.total.saturating_sub(self.next.load(Ordering::Relaxed))
    }

    /// The next inputs, `size` of them if there are so many.
    pub(super) fn claim(&self, size: usize) -> Option<Claim<'_, T, R>> {
        // Checked first, so that each thread adds at most once after the last input was claimed.
        // With `longest_claim` the counter cannot wrap round, which would claim inputs a second
        // time.
        if self.unclaimed() == 0 {
            return None;
        }
        let size = size.min(self.total).min(longest_claim(usize::MAX));
        let first = self.next.fetch_add(size, Ordering::Relaxed);
        (first < self.total).then(|| Claim {
            slots: self,
            numbers: first..self.total.min(first + size),
        })
    }

    /// Lets nobody claim any more. What is left is the caller's, to be dropped.
    pub(super) fn close(&self) -> Claim<'_, T, R> {
        let first = self.next.swap(self.total, Ordering::Relaxed);
        Claim {
            slots: self,
            numbers: first.min(self.total)..self.total,
        }
    }

    /// Moves the first `done` results out.
    ///
    /// # Safety
    /// Their claims have been worked on to the end, this happens after that, and it happens once.
    pub(super) unsafe fn take_results(&self, done: usize) -> Vec<Result<R, JobError>> {
        // SAFETY: The results are there, and all of the buffer is handed over.
        unsafe { self.results.vector(done) }
    }

    /// Frees the memory of the inputs.
    ///
    /// # Safety
    /// All have been claimed and worked on, or dropped, this happens after that, and it happens once.
    pub(super) unsafe fn free_inputs(&self) {
        // SAFETY: No input is left, and the buffer is not used any more.
        drop(unsafe { self.inputs.vector(0) });
    }
}

/// Some inputs, which belong to one thread.
#[must_use = "what was claimed has to be worked on, or dropped by `discard`"]
pub(super) struct Claim<'a, T, R> {
    slots: &'a Slots<T, R>,
    numbers: Range<usize>,
}

impl<T, R> Claim<'_, T, R> {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of the first input.
    pub(super) fn first(&self) -> usize {
        self.numbers.start
    }

    /// Drops the inputs. There will be no results for them. Never unwinds.
    pub(super) fn discard(self) {
        for number in self.numbers {
            // SAFETY: The number is below the total, and each is claimed once and comes up here once.
            drop_contained(unsafe { self.slots.inputs.at(number).read() });
        }
    }

    /// Calls `f` on each input. A panic is the error of its own input; the others are done all the same.
    pub(super) fn run(self, f: impl Fn(T) -> R) {
        let Self { slots, numbers } = self;
        let mut number = numbers.start;
        while number < numbers.end {
            // One frame that catches for as many inputs as do not panic.
            let caught = catch_unwind(AssertUnwindSafe(|| {
                while number < numbers.end {
                    // SAFETY: The number is below the total, and each is claimed once and comes up here once: after a panic
                    // the next one is.
                    let input = unsafe { slots.inputs.at(number).read() };
                    let result = Ok(f(input));
                    // SAFETY: As above, and there is room for as many results as there are inputs.
                    unsafe { slots.results.at(number).write(result) };
                    number += 1;
                }
            }));
            if let Err(payload) = caught {
                let result = Err(JobError::Panicked(TaskPanic::new(payload)));
                // SAFETY: As above. The call that panicked has left no result.
                unsafe { slots.results.at(number).write(result) };
                number += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a 32-bit counter after every worker has seen one input left, and then adds.
    fn counter_after_all_workers_add(total: u32, size: u32) -> Option<u32> {
        (0..=MAX_WORKERS).try_fold(total - 1, |next, _| next.checked_add(size.min(total)))
    }

    #[test]
    fn claim_counter_of_32_bits_never_wraps() {
        let longest = u32::try_from(longest_claim(u32::MAX as usize)).unwrap();
        for total in [1, 1 << 28, i32::MAX as u32] {
            assert!(counter_after_all_workers_add(total, longest).is_some());
        }
        // As it would be with the largest chunk size a user can ask for.
        assert_eq!(counter_after_all_workers_add(1 << 28, u32::MAX), None);
        // Not so short that it would cost anything.
        assert!(longest > 500_000);
    }

    #[test]
    fn result_of_map_is_never_zero_sized() {
        enum Never {}
        assert!(size_of::<Result<(), JobError>>() > 0);
        assert!(size_of::<Result<Never, JobError>>() > 0);
    }
}
