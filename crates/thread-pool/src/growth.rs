//! The start of workers, on demand in a pool that grows, and the life of a worker's thread.
//!
//! A fixed-size pool fills all slots when it is built. A pool that grows and shrinks keeps these
//! promises:
//!
//! - **While a job is queued and a slot is vacant, some worker is idle or starting.** Queueing a
//!   job starts a thread if no worker is idle and fewer threads are starting than jobs are queued.
//!   An idle worker that takes a job does the same, since a submitter may have relied on it, and so
//!   does a worker that retires.
//! - **A worker retires only if it has slept for the idle timeout and more than the minimum number
//!   of workers stay.** It counts as searching while it decides, and stops searching as any other
//!   worker does.
//!
//! If the system refuses a thread, the jobs wait for the existing workers, of which there is always
//! at least one. All of them may be busy for long, and no further submission may come, so a helper
//! thread, the spawner, then retries for as long as jobs wait. It is started at the first refusal,
//! with a small stack, and stays until the pool is closed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::panic::drop_quietly;
use crate::search::{self, Source};
use crate::shared::Shared;
use crate::sync::atomic::{Ordering::SeqCst, fence};
use crate::task::TaskRef;
use crate::thread_exit;
use crate::worker::Worker;

/// Starts one more worker. Returns `false` if none may start now.
pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<bool> {
    let for_worker = Arc::clone(shared);
    shared.workers.start(move |index| work(for_worker, index))
}

/// Starts threads while jobs wait that no idle or starting worker will take, up to the maximum.
///
/// Called after a job was queued and notified, and by a worker that is no longer idle, on which a
/// submitter may have relied.
pub(crate) fn grow(shared: &Arc<Shared>) {
    let workers = &shared.workers;
    if !workers.can_grow() {
        return;
    }
    // A submitter queues a job and then looks for idle workers. A worker stops being idle and then
    // looks for queued jobs. Each passes a fence in between, so at least one of them sees the
    // other. (All of these accesses are `SeqCst`, which is enough by itself, but the model checker
    // treats them as weaker.)
    fence(SeqCst);
    while !workers.is_full()
        && shared.sleep.idle() == 0
        && shared.ledger.queued() > workers.starting()
    {
        match start(shared) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return retry_later(shared),
        }
    }
}

/// After a refusal, lets the spawner retry for as long as jobs wait.
fn retry_later(shared: &Arc<Shared>) {
    let for_spawner = Arc::clone(shared);
    shared.workers.notify_spawner(move || {
        while for_spawner.workers.wait_to_retry() {
            grow(&for_spawner);
        }
        // This may be the last reference, which drops user values such as the initializer.
        drop_quietly(for_spawner);
    });
}

/// The whole life of a worker's thread.
fn work(shared: Arc<Shared>, index: usize) {
    thread_exit::report_exit_of_this_thread(Arc::clone(&shared));
    let Some(deque) = shared.workers.take_deque(index) else {
        return;
    };
    let worker = Worker::enter(&shared, index, deque);
    shared.initialize(index);
    shared.workers.ready();
    while let Some(job) = search::next(&Searcher(&worker), &shared.sleep, index) {
        worker.execute(job);
    }
    if let Some(deque) = Worker::leave(worker) {
        shared.workers.vacate(index, deque);
        // A job may be queued that waits for a vacant slot.
        grow(&shared);
    }
}

/// A worker as its search sees it.
struct Searcher<'a>(&'a Worker);

impl Source for Searcher<'_> {
    type Job = TaskRef;

    fn find(&self) -> Option<TaskRef> {
        self.0.find()
    }

    fn has_queued(&self) -> bool {
        self.0.shared().has_queued()
    }

    fn is_drained(&self) -> bool {
        self.0.shared().ledger.is_drained()
    }

    fn idle_limit(&self) -> Option<Duration> {
        self.0.shared().workers.idle_limit()
    }

    fn may_retire(&self) -> bool {
        self.0.shared().workers.may_retire()
    }

    fn grow(&self) {
        grow(self.0.shared());
    }
}
