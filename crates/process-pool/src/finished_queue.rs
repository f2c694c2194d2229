//! The queue in which `as_completed` receives the indices of ended jobs.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use crate::sync::{lock, wait_until};

/// The indices of ended jobs, in completion order.
#[derive(Default)]
pub(crate) struct FinishedQueue {
    indices: Mutex<VecDeque<usize>>,
    pushed: Condvar,
}

impl FinishedQueue {
    pub(crate) fn push(&self, index: usize) {
        lock(&self.indices).push_back(index);
        self.pushed.notify_one();
    }

    /// Waits for the next index. `None` if the deadline passes first.
    pub(crate) fn pop(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut indices = lock(&self.indices);
        loop {
            if let Some(index) = indices.pop_front() {
                return Some(index);
            }
            let in_time;
            (indices, in_time) = wait_until(&self.pushed, indices, deadline);
            if !in_time {
                return None;
            }
        }
    }
}
