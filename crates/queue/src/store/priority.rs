//! The greatest first, equal ones in the order in which they came: a binary heap.
//!
//! Comparing is code of the user: it may panic, and it may put into the queue. So it never runs under the lock. A put only
//! adds its item, under the lock, and compares nothing. A get takes the heap *out*, compares in peace, and brings it back;
//! other gets wait for that meanwhile, and puts leave their items at the door. If comparing panics, the get that compared
//! panics, and no item is lost.

use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Ordered;
use super::heap::Heap;
use crate::contained::contained;

pub(crate) struct Priority<T> {
    state: Mutex<State<T>>,
    /// The heap is back.
    back: Condvar,
    capacity: Option<usize>,
}

struct State<T> {
    /// All items, or those that came while the heap is out.
    heap: Heap<Ranked<T>>,
    /// Somebody has the heap out.
    out: bool,
    /// How many items there are, those that are out included.
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
        // Who came first is the greater.
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
                out: false,
                len: 0,
                next: 0,
            }),
            back: Condvar::new(),
            capacity: capacity.map(NonZeroUsize::get),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the heap out, unless it is empty.
    fn take_out(&self) -> Option<Out<'_, T>> {
        let mut state = self.lock();
        while state.out {
            state = self
                .back
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.len == 0 {
            return None;
        }
        state.out = true;
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
                // What has been taken is handed out. Who comes next meets the panic, if it comes again.
                Err(panic) => {
                    contained(|| drop(panic));
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

/// The heap, out of the store. It goes back when this is dropped, by a panic too.
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
        state.out = false;
        drop(state);
        // All: who finds the heap empty does not take it out, and so would not wake the next.
        self.priority.back.notify_all();
    }
}
