//! Numbers that are lent and given back, the least free one first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::sync::{Mutex, const_fn, lock};

/// Where the numbers are kept.
///
/// Whoever gets a number that was given back before has all that was done under it before: the lock orders the one after
/// the other. A counter relies on that.
#[derive(Debug)]
pub(crate) struct Numbers(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    given_back: BinaryHeap<Reverse<usize>>,
    never_lent: usize,
}

impl Numbers {
    const_fn! {
        /// All numbers from 0.
        pub(crate) fn new() -> Self {
            Self(Mutex::new(Kept { given_back: BinaryHeap::new(), never_lent: 0 }))
        }
    }

    /// A number that nobody else has until the lease is dropped.
    pub(crate) fn lend(&self) -> Lease<'_> {
        let mut kept = lock(&self.0);
        let number = match kept.given_back.pop() {
            Some(Reverse(number)) => number,
            None => {
                kept.never_lent += 1;
                kept.never_lent - 1
            }
        };
        Lease {
            numbers: self,
            number,
        }
    }
}

/// The right to a number.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    numbers: &'a Numbers,
    number: usize,
}

impl Lease<'_> {
    /// The number.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        lock(&self.numbers.0).given_back.push(Reverse(self.number));
    }
}
