//! The inputs of a map and the slots of its results, claimed by one atomic step.
//!
//! Inputs are claimed in order, a range at a time, by adding to one counter, so each belongs to one
//! claim. The claimer moves its inputs out and writes the results into the slots of the same
//! indices, so no thread must collect or sort them afterwards. When the map is stopped, the
//! unclaimed inputs are those behind the last claim.

#![allow(
    unsafe_code,
    reason = "disjoint parts of one buffer, written by several threads"
)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr::NonNull;

use crossbeam_utils::CachePadded;

use crate::error::JobError;
use crate::panic::{catch, drop_quietly};
use crate::sleep::MAX_WORKERS;
use crate::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Slots<T, R> {
    /// The first unclaimed input; at or beyond `total` if there is none.
    next: CachePadded<AtomicUsize>,
    total: usize,
    inputs: Buffer<T>,
    results: Buffer<Result<R, JobError>>,
}

/// The memory of a vector, without its values.
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

    /// A pointer to the value at `number`.
    ///
    /// # Safety
    /// `number` is below the capacity.
    unsafe fn at(&self, number: usize) -> *mut V {
        // SAFETY: within the memory of the vector.
        unsafe { self.start.as_ptr().add(number) }
    }

    /// Rebuilds the vector with its first `length` values.
    ///
    /// # Safety
    /// These values are initialized, and the buffer is not used again.
    unsafe fn vector(&self, length: usize) -> Vec<V> {
        // SAFETY: These are the parts of a vector, and the caller vouches for the values.
        unsafe { Vec::from_raw_parts(self.start.as_ptr(), length, self.capacity) }
    }
}

// SAFETY: Inputs and results move between threads and are `Send`. Each is accessed by one thread at
// a time: by its claimer, by the thread that closed the slots, or by the exclusive owner. Only the
// counter is shared.
unsafe impl<T: Send, R: Send> Send for Slots<T, R> {}
// SAFETY: as above.
unsafe impl<T: Send, R: Send> Sync for Slots<T, R> {}

/// The maximum number of inputs of one claim, for a counter that goes up to `max`: all workers
/// together then add at most half of `max` beyond the last input. The other half covers the total,
/// which is at most `isize::MAX`, since a result is never zero-sized and no allocation is larger.
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

    /// The number of unclaimed inputs.
    pub(super) fn unclaimed(&self) -> usize {
        // `Relaxed`, since no other access is ordered by this counter: a claimer is counted as
        // active, under a lock, until it is done.
        self.total.saturating_sub(self.next.load(Ordering::Relaxed))
    }

    /// Claims the next inputs, at most `size`.
    pub(super) fn claim(&self, size: usize) -> Option<Claim<'_, T, R>> {
        // Checked first, so that each thread adds at most once after the last input was claimed.
        // With `longest_claim`, the counter then cannot wrap around, which would claim inputs
        // twice.
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

    /// Prevents further claims. The caller must discard the returned rest.
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
    /// Their claims have been processed, which happens before this call, and it is called once.
    pub(super) unsafe fn take_results(&self, done: usize) -> Vec<Result<R, JobError>> {
        // SAFETY: The results are there, and all of the buffer is handed over.
        unsafe { self.results.vector(done) }
    }

    /// Frees the memory of the inputs.
    ///
    /// # Safety
    /// All inputs have been processed or discarded, which happens before this call, and it is
    /// called once.
    pub(super) unsafe fn free_inputs(&self) {
        // SAFETY: No input is left, and the buffer is not used again.
        drop(unsafe { self.inputs.vector(0) });
    }
}

/// A range of inputs that belong to one thread.
#[must_use = "claimed inputs must be processed by `run` or dropped by `discard`"]
pub(super) struct Claim<'a, T, R> {
    slots: &'a Slots<T, R>,
    numbers: Range<usize>,
}

impl<T, R> Claim<'_, T, R> {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The index of the first input.
    pub(super) fn first(&self) -> usize {
        self.numbers.start
    }

    /// Drops the inputs, without results. Never unwinds.
    pub(super) fn discard(self) {
        for number in self.numbers {
            // SAFETY: The index is below the total, and each index is claimed once and read here
            // once.
            drop_quietly(unsafe { self.slots.inputs.at(number).read() });
        }
    }

    /// Calls `f` on each input. A panic is the error of its own input and does not affect the
    /// others.
    pub(super) fn run(self, f: impl Fn(T) -> R) {
        let Self { slots, numbers } = self;
        let mut number = numbers.start;
        while number < numbers.end {
            // A single `catch` covers all inputs up to the next panic.
            let caught = catch(|| {
                while number < numbers.end {
                    // SAFETY: The index is below the total, and each index is claimed once and read
                    // here once: after a panic, the loop continues with the next one.
                    let input = unsafe { slots.inputs.at(number).read() };
                    let result = Ok(f(input));
                    // SAFETY: as above, and the buffer has room for one result per input.
                    unsafe { slots.results.at(number).write(result) };
                    number += 1;
                }
            });
            if let Err(panic) = caught {
                let result = Err(JobError::Panicked(panic));
                // SAFETY: as above. The call that panicked has left no result.
                unsafe { slots.results.at(number).write(result) };
                number += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a 32-bit counter after every worker has seen one input left and then adds.
    fn counter_after_all_workers_add(total: u32, size: u32) -> Option<u32> {
        (0..=MAX_WORKERS).try_fold(total - 1, |next, _| next.checked_add(size.min(total)))
    }

    #[test]
    fn claim_counter_of_32_bits_never_wraps() {
        let longest = u32::try_from(longest_claim(u32::MAX as usize)).unwrap();
        for total in [1, 1 << 28, i32::MAX as u32] {
            assert!(counter_after_all_workers_add(total, longest).is_some());
        }
        // Without the limit, the largest chunk size would wrap the counter.
        assert_eq!(counter_after_all_workers_add(1 << 28, u32::MAX), None);
        // Long enough to cost nothing.
        assert!(longest > 500_000);
    }

    #[test]
    fn result_of_map_is_never_zero_sized() {
        enum Never {}
        assert!(size_of::<Result<(), JobError>>() > 0);
        assert!(size_of::<Result<Never, JobError>>() > 0);
    }
}
