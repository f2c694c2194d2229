//! Waiting for several handles at once.
//!
//! Each handle gets a waker that puts its index into the group's inbox, so a wait looks only at
//! jobs that have ended, not at all of them. The iterator in `as_completed.rs` and the single waits
//! in `wait.rs` share this inbox.

mod as_completed;
mod wait;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::{Wake, Waker};
use std::time::Instant;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use wait::{WaitFor, Waited, wait, wait_timeout};

use crate::listeners::Watcher;
use crate::shared::PoolId;
use crate::sync::{Condvar, Mutex};
use crate::task::{JobRef, Progress};
use crate::waits::Deadlock;
use crate::worker::{self, Worker};
use crate::{Handle, lock};

/// The indices of the handles whose jobs have ended, in the order in which they ended.
struct Inbox {
    ended: Mutex<Ended>,
    one_ended: Condvar,
}

#[derive(Default)]
struct Ended {
    numbers: VecDeque<usize>,
    /// Whether a thread waits on the condition variable. Without one, a notification would cost a
    /// system call for nothing.
    waiting: bool,
}

struct Letter {
    inbox: Arc<Inbox>,
    number: usize,
}

impl Inbox {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            ended: Mutex::default(),
            one_ended: Condvar::new(),
        })
    }

    /// Delivers the index when the job of `handle` ends, or at once if it has ended.
    fn expect<R: 'static>(self: &Arc<Self>, number: usize, handle: &Handle<R>) {
        let inbox = Arc::clone(self);
        let waker = Waker::from(Arc::new(Letter { inbox, number }));
        handle.outcome().watch(Watcher::Group, waker);
    }

    fn take(&self) -> Option<usize> {
        lock(&self.ended).numbers.pop_front()
    }

    /// Blocks for the next index, until `deadline` if there is one.
    fn wait(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut ended = lock(&self.ended);
        loop {
            if let Some(number) = ended.numbers.pop_front() {
                ended.waiting = false;
                return Some(number);
            }
            ended.waiting = true;
            ended = match deadline {
                None => self
                    .one_ended
                    .wait(ended)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        ended.waiting = false;
                        return None;
                    }
                    self.one_ended
                        .wait_timeout(ended, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

impl Wake for Letter {
    fn wake(self: Arc<Self>) {
        let waiting = {
            let mut ended = lock(&self.inbox.ended);
            ended.numbers.push_back(self.number);
            ended.waiting
        };
        // At most one thread waits for a group.
        if waiting {
            self.inbox.one_ended.notify_one();
        }
    }
}

/// The handles of a group by index; `None` for one whose end has been reported.
trait Members<R> {
    fn len(&self) -> usize;
    fn open(&self, number: usize) -> Option<&Handle<R>>;
}

/// The state of a group, besides its handles.
struct Group {
    inbox: Arc<Inbox>,
    /// The pools of the handles, usually one.
    pools: Vec<PoolId>,
    /// The jobs at lower indices are known to be no longer pending.
    looked_at: usize,
}

impl Group {
    /// Watches all open members.
    fn new<R: 'static>(members: &impl Members<R>) -> Self {
        let inbox = Inbox::new();
        let mut pools = Vec::new();
        for number in 0..members.len() {
            if let Some(handle) = members.open(number) {
                if !pools.contains(&handle.pool()) {
                    pools.push(handle.pool());
                }
                inbox.expect(number, handle);
            }
        }
        Self {
            inbox,
            pools,
            looked_at: 0,
        }
    }

    /// Blocks for the index of the next job that has ended.
    ///
    /// On a worker of a pool of the group, pending jobs of the group run inline, one after the
    /// other, until one has ended. No other job runs inline.
    fn next<R: 'static>(&mut self, members: &impl Members<R>) -> Result<usize, Deadlock> {
        if let Some(number) = self.inbox.take() {
            return Ok(number);
        }
        for place in 0..self.pools.len() {
            let pool = self.pools[place];
            let here = worker::with_current(pool, |worker| {
                worker.map(|worker| self.next_on_worker(members, pool, worker))
            });
            if let Some(number) = here {
                return number;
            }
        }
        Ok(self.block())
    }

    fn next_on_worker<R: 'static>(
        &mut self,
        members: &impl Members<R>,
        pool: PoolId,
        worker: &Worker,
    ) -> Result<usize, Deadlock> {
        while self.looked_at < members.len() {
            if let Some(handle) = members.open(self.looked_at)
                && handle.pool() == pool
                && matches!(handle.outcome().progress(), Progress::Pending)
            {
                worker.inline(|| handle.outcome().run(worker.index()))?;
            }
            self.looked_at += 1;
            if let Some(number) = self.inbox.take() {
                return Ok(number);
            }
        }
        // A job of another pool may end independently of this pool, so there is no certain
        // deadlock.
        let _blocked = if self.pools.len() == 1 {
            let running: Vec<JobRef> = (0..members.len())
                .filter_map(|number| members.open(number))
                .map(|handle| handle.outcome().job())
                .collect();
            worker.before_block(&running)?
        } else {
            None
        };
        Ok(self.block())
    }

    fn block(&self) -> usize {
        loop {
            if let Some(number) = self.inbox.wait(None) {
                return number;
            }
        }
    }
}
