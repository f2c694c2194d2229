//! The LIFO store: a stack behind a lock.

use std::mem;
use std::num::NonZeroUsize;

use super::ordered::Ordered;
use super::shrink::shrink;
use crate::sync::{Mutex, lock};

pub(crate) struct Lifo<T> {
    items: Mutex<Vec<T>>,
    capacity: Option<usize>,
}

impl<T> Lifo<T> {
    pub(crate) fn new(capacity: Option<NonZeroUsize>) -> Self {
        Self {
            items: Mutex::new(Vec::new()),
            capacity: capacity.map(NonZeroUsize::get),
        }
    }
}

impl<T: Send> Ordered<T> for Lifo<T> {
    fn push(&self, item: T) -> Result<(), T> {
        let mut items = lock(&self.items);
        if self.capacity == Some(items.len()) {
            return Err(item);
        }
        items.push(item);
        Ok(())
    }

    fn pop(&self) -> Option<T> {
        let mut items = lock(&self.items);
        let last = items.pop();
        shrink(&mut items);
        last
    }

    fn pop_batch(&self, max: usize) -> Vec<T> {
        let mut items = lock(&self.items);
        let rest = items.len().saturating_sub(max);
        let batch = items.drain(rest..).rev().collect();
        shrink(&mut items);
        batch
    }

    fn pop_all(&self) -> Vec<T> {
        mem::take(&mut lock(&self.items))
    }

    fn len(&self) -> usize {
        lock(&self.items).len()
    }

    fn capacity(&self) -> Option<usize> {
        self.capacity
    }
}
