//! The priority store: a binary heap with the greatest item first, and equal items in FIFO order.
//!
//! A comparison is user code: it may panic, and it may put into the queue. So it never runs under
//! the lock. A put only adds its item, under the lock, without comparing. A get takes the heap
//! *out*, compares, and returns it; other gets wait for that, while puts add to a temporary heap.
//! If a comparison panics, the get that needed it panics, and no item is lost.

use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::heap::Heap;
use super::ordered::Ordered;

pub(crate) struct Priority<T> {
    state: Mutex<State<T>>,
    /// Notified when the heap is returned.
    returned: Condvar,
    capacity: Option<usize>,
}

struct State<T> {
    /// All items, or those that came while the heap is out.
    heap: Heap<Ranked<T>>,
    /// Whether a get has the heap.
    is_out: bool,
    /// The number of items, including those that are out.
    len: usize,
    /// The number of the next arrival.
    next: u64,
}

struct Ranked<T> {
    item: T,
    arrival: u64,
}

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Of equal items, the earlier is the greater.
        self.item
            .cmp(&other.item)
            .then_with(|| other.arrival.cmp(&self.arrival))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Ranked<T> {}

impl<T> Priority<T> {
    pub(crate) fn new(capacity: Option<NonZeroUsize>) -> Self {
        Self {
            state: Mutex::new(State {
                heap: Heap::new(),
                is_out: false,
                len: 0,
                next: 0,
            }),
            returned: Condvar::new(),
            capacity: capacity.map(NonZeroUsize::get),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the heap out, unless it is empty.
    fn take_out(&self) -> Option<Out<'_, T>> {
        let mut state = self.lock();
        while state.is_out {
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.len == 0 {
            return None;
        }
        state.is_out = true;
        Some(Out {
            priority: self,
            heap: mem::replace(&mut state.heap, Heap::new()),
            popped: 0,
        })
    }
}

impl<T: Ord + Send> Ordered<T> for Priority<T> {
    fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if self.capacity == Some(state.len) {
            return Err(item);
        }
        let arrival = state.next;
        state.next += 1;
        state.len += 1;
        state.heap.add(Ranked { item, arrival });
        Ok(())
    }

    fn pop(&self) -> Option<T> {
        let mut out = self.take_out()?;
        let first = out.heap.pop()?;
        out.popped = 1;
        Some(first.item)
    }

    fn pop_batch(&self, max: usize) -> Vec<T> {
        let mut batch = Vec::new();
        let Some(mut out) = self.take_out() else {
            return batch;
        };
        while batch.len() < max {
            match catch_unwind(AssertUnwindSafe(|| out.heap.pop())) {
                Ok(Some(first)) => {
                    batch.push(first.item);
                    out.popped += 1;
                }
                Ok(None) => break,
                Err(panic) if batch.is_empty() => resume_unwind(panic),
                // The items taken so far are returned. If the panic recurs, the next get meets it.
                Err(payload) => {
                    // Its destructor could panic, and lose the batch.
                    mem::forget(payload);
                    break;
                }
            }
        }
        batch
    }

    fn pop_all(&self) -> Vec<T> {
        let Some(mut out) = self.take_out() else {
            return Vec::new();
        };
        let all: Vec<T> = out.heap.drain().map(|ranked| ranked.item).collect();
        out.popped = all.len();
        all
    }

    fn len(&self) -> usize {
        self.lock().len
    }

    fn capacity(&self) -> Option<usize> {
        self.capacity
    }
}

/// The heap while a get has it. Dropping this returns it, also on a panic.
struct Out<'a, T> {
    priority: &'a Priority<T>,
    heap: Heap<Ranked<T>>,
    popped: usize,
}

impl<T> Drop for Out<'_, T> {
    fn drop(&mut self) {
        let mut heap = mem::replace(&mut self.heap, Heap::new());
        let mut state = self.priority.lock();
        heap.add_all(&mut state.heap);
        state.heap = heap;
        state.len -= self.popped;
        state.is_out = false;
        drop(state);
        // All: a get that finds the heap empty does not take it out, so it would wake no other.
        self.priority.returned.notify_all();
    }
}
