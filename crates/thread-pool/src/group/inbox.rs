//! The inbox of a group: the indices of the handles whose jobs have ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::handle::Handle;
use crate::listeners::Watcher;
use crate::sync::{Condvar, Mutex, lock, wait_until};

/// The indices of the handles whose jobs have ended, in the order in which they ended.
pub(super) struct Inbox {
    ended: Mutex<Ended>,
    one_ended: Condvar,
}

#[derive(Default)]
struct Ended {
    indices: VecDeque<usize>,
    /// Whether a thread waits on the condition variable. Without one, a notification would cost a
    /// system call for nothing.
    waiting: bool,
}

struct IndexWaker {
    inbox: Arc<Inbox>,
    index: usize,
}

impl Inbox {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            ended: Mutex::default(),
            one_ended: Condvar::new(),
        })
    }

    /// Delivers the index when the job of `handle` ends, or at once if it has ended.
    pub(super) fn watch<R: 'static>(self: &Arc<Self>, index: usize, handle: &Handle<R>) {
        let inbox = Arc::clone(self);
        let waker = Waker::from(Arc::new(IndexWaker { inbox, index }));
        handle.task().watch(Watcher::Group, waker);
    }

    pub(super) fn take(&self) -> Option<usize> {
        lock(&self.ended).indices.pop_front()
    }

    /// Blocks for the next index, until `deadline` if there is one.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut ended = lock(&self.ended);
        loop {
            if let Some(index) = ended.indices.pop_front() {
                ended.waiting = false;
                return Some(index);
            }
            ended.waiting = true;
            let in_time;
            (ended, in_time) = wait_until(&self.one_ended, ended, deadline);
            if !in_time {
                ended.waiting = false;
                return None;
            }
        }
    }
}

impl Wake for IndexWaker {
    fn wake(self: Arc<Self>) {
        let waiting = {
            let mut ended = lock(&self.inbox.ended);
            ended.indices.push_back(self.index);
            ended.waiting
        };
        // At most one thread waits for a group.
        if waiting {
            self.inbox.one_ended.notify_one();
        }
    }
}
