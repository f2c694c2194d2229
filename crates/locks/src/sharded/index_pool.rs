//! [`IndexPool`], small indices that are acquired and released, the lowest free one first.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "public to the model checks only"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::sync::{Mutex, const_fn, lock};

/// A thread that acquires an index sees all writes of the thread that released it before: the lock
/// orders the two. A counter relies on that.
#[derive(Debug)]
pub struct IndexPool(Mutex<Free>);

#[derive(Debug)]
struct Free {
    released: BinaryHeap<Reverse<usize>>,
    next_new: usize,
}

impl IndexPool {
    const_fn! {
        pub fn new() -> Self {
            Self(Mutex::new(Free { released: BinaryHeap::new(), next_new: 0 }))
        }
    }

    /// An index that is unique until it is dropped.
    pub fn acquire(&self) -> Index<'_> {
        let mut free = lock(&self.0);
        let index = match free.released.pop() {
            Some(Reverse(index)) => index,
            None => {
                free.next_new += 1;
                free.next_new - 1
            }
        };
        Index { pool: self, index }
    }
}

/// An index in use. The drop releases it.
#[derive(Debug)]
pub struct Index<'a> {
    pool: &'a IndexPool,
    index: usize,
}

impl Index<'_> {
    pub fn get(&self) -> usize {
        self.index
    }
}

impl Drop for Index<'_> {
    fn drop(&mut self) {
        lock(&self.pool.0).released.push(Reverse(self.index));
    }
}
