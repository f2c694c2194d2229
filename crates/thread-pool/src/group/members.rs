//! [`Group`]: the wait for the next of several handles whose job ends.

use std::sync::Arc;

use super::inbox::Inbox;
use crate::deadlock::Deadlock;
use crate::handle::Handle;
use crate::shared::PoolId;
use crate::task::{Progress, TaskRef};
use crate::worker::{self, Worker};

/// The handles of a group by index; `None` for one whose end has been reported.
pub(super) trait Members<R> {
    fn len(&self) -> usize;
    fn open(&self, index: usize) -> Option<&Handle<R>>;
}

/// The state of a group, besides its handles.
pub(super) struct Group {
    pub(super) inbox: Arc<Inbox>,
    /// The pools of the handles, usually one.
    pools: Vec<PoolId>,
    /// The jobs at lower indices are known to be no longer pending.
    first_pending: usize,
}

impl Group {
    /// Watches all open members.
    pub(super) fn new<R: 'static>(members: &impl Members<R>) -> Self {
        let inbox = Inbox::new();
        let mut pools = Vec::new();
        for index in 0..members.len() {
            if let Some(handle) = members.open(index) {
                if !pools.contains(&handle.pool()) {
                    pools.push(handle.pool());
                }
                inbox.watch(index, handle);
            }
        }
        Self {
            inbox,
            pools,
            first_pending: 0,
        }
    }

    /// Blocks for the index of the next job that has ended.
    ///
    /// On a worker of a pool of the group, pending jobs of the group run inline, one after the
    /// other, until one has ended. No other job runs inline.
    pub(super) fn next<R: 'static>(
        &mut self,
        members: &impl Members<R>,
    ) -> Result<usize, Deadlock> {
        if let Some(index) = self.inbox.take() {
            return Ok(index);
        }
        for place in 0..self.pools.len() {
            let pool = self.pools[place];
            let here = worker::with_current(pool, |worker| {
                worker.map(|worker| self.next_on_worker(members, pool, worker))
            });
            if let Some(index) = here {
                return index;
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
        while self.first_pending < members.len() {
            if let Some(handle) = members.open(self.first_pending)
                && handle.pool() == pool
                && matches!(handle.task().progress(), Progress::Pending)
            {
                worker.inline(|| handle.task().run(worker.index()))?;
            }
            self.first_pending += 1;
            if let Some(index) = self.inbox.take() {
                return Ok(index);
            }
        }
        // A job of another pool may end independently of this pool, so there is no certain
        // deadlock.
        let _blocked = if self.pools.len() == 1 {
            let running: Vec<TaskRef> = (0..members.len())
                .filter_map(|index| members.open(index))
                .map(|handle| handle.task().task_ref())
                .collect();
            worker.before_block(&running)?
        } else {
            None
        };
        Ok(self.block())
    }

    fn block(&self) -> usize {
        loop {
            if let Some(index) = self.inbox.wait(None) {
                return index;
            }
        }
    }
}
