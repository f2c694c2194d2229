use std::mem;
use std::sync::Arc;

use super::Semaphore;

/// Permits of a [`Semaphore`], given back when dropped.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl<'a> Permit<'a> {
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// How many permits these are.
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Does not give them back: the semaphore has that many fewer.
    pub fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.line.give(self.permits);
    }
}

/// A permit of a [`Semaphore`] that keeps the semaphore alive, given back when dropped.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct OwnedPermit {
    // `None` once it is forgotten.
    semaphore: Option<Arc<Semaphore>>,
}

impl OwnedPermit {
    pub(super) fn new(semaphore: Arc<Semaphore>) -> Self {
        Self {
            semaphore: Some(semaphore),
        }
    }

    /// Does not give it back: the semaphore has one fewer.
    pub fn forget(mut self) {
        self.semaphore = None;
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            semaphore.line.give(1);
        }
    }
}
