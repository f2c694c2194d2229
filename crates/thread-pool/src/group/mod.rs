//! Waiting for several handles at once.
//!
//! Each handle gets a waker that puts its number into the group's inbox, so that a wait looks at what has ended and not
//! at all there is. The same inbox serves the iterator of `as_completed.rs` and the single waits of `wait.rs`.

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

/// The numbers of the handles whose jobs have ended, in the order in which they did.
struct Inbox {
    ended: Mutex<Ended>,
    one_ended: Condvar,
}

#[derive(Default)]
struct Ended {
    numbers: VecDeque<usize>,
    /// Whether somebody sleeps on the condition variable: waking nobody would still cost a system call.
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

    /// Has the end of this handle's job told here under this number: at once, if it has ended.
    fn expect<R: 'static>(self: &Arc<Self>, number: usize, handle: &Handle<R>) {
        let inbox = Arc::clone(self);
        let waker = Waker::from(Arc::new(Letter { inbox, number }));
        handle.outcome().watch(Watcher::Group, waker);
    }

    fn take(&self) -> Option<usize> {
        lock(&self.ended).numbers.pop_front()
    }

    /// Blocks for the next number, until `deadline` or for as long as it takes.
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
        // One thread at most waits for a group.
        if waiting {
            self.inbox.one_ended.notify_one();
        }
    }
}

/// The handles of a group, by their numbers; `None` for one whose end has been told.
trait Members<R> {
    fn len(&self) -> usize;
    fn open(&self, number: usize) -> Option<&Handle<R>>;
}

/// What a group knows besides its handles.
struct Group {
    inbox: Arc<Inbox>,
    /// The pools of the handles: one, as a rule.
    pools: Vec<PoolId>,
    /// The jobs of lower numbers are known not to be pending any more.
    looked_at: usize,
}

impl Group {
    /// Listens to all members that are open.
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

    /// The number of the next job that has ended, blocking without a limit of time.
    ///
    /// On a worker of the pool of some of the jobs, pending ones are run right here, one after the other, until one has
    /// ended: the very jobs waited for, and no other.
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
        // A job of another pool may end whatever happens in this one.
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
