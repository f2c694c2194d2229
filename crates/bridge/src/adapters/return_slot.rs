//! A slot through which an in-flight call returns the writer that it works on, unless its user has
//! dropped it: then the call finishes alone.

use std::mem;
use std::sync::Arc;

use crate::sync::{Mutex, lock};

pub(super) struct ReturnSlot<T>(Arc<Mutex<Slot<T>>>);

enum Slot<T> {
    Empty,
    Full(T),
    Abandoned,
}

impl<T> ReturnSlot<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Slot::Empty)))
    }

    /// Returns the value to the user, or `Some(value)` if the slot was abandoned.
    pub(super) fn put(&self, value: T) -> Option<T> {
        let mut slot = lock(&self.0);
        if matches!(*slot, Slot::Abandoned) {
            return Some(value);
        }
        *slot = Slot::Full(value);
        None
    }

    pub(super) fn take(&self) -> Option<T> {
        self.replace(Slot::Empty)
    }

    /// Gives up the value. Returns it if it is there already.
    pub(super) fn abandon(&self) -> Option<T> {
        self.replace(Slot::Abandoned)
    }

    fn replace(&self, new: Slot<T>) -> Option<T> {
        match mem::replace(&mut *lock(&self.0), new) {
            Slot::Full(value) => Some(value),
            Slot::Empty | Slot::Abandoned => None,
        }
    }
}

impl<T> Clone for ReturnSlot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
