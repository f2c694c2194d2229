//! What the handles of an offload and its threads have in common.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use super::dispatch::{Denied, Dispatch, Help, IfFull, Limits};
use super::lane::{Place, Queued};
use super::task::Job;
use crate::OffloadError;
use crate::listener;
use crate::sync::lock;

pub(crate) struct Shared {
    pub(super) dispatch: Dispatch<Arc<dyn Job>>,
    /// Whether the call that ended last was a brief one.
    brief: AtomicBool,
    name_prefix: String,
    stack_size: Option<usize>,
    /// Threads that have not come to their end, and coroutines that wait until all have.
    ending: Mutex<Ending>,
    all_ended: Condvar,
}

#[derive(Default)]
struct Ending {
    live: usize,
    waiting: Vec<Waker>,
    number: usize,
}

/// One thread of an offload.
struct Member {
    shared: Arc<Shared>,
    /// In how many waits of this crate it is: several when it awaits several calls at once.
    waits: Mutex<usize>,
}

thread_local! {
    /// Set on the threads of offloads.
    static CURRENT: RefCell<Option<Arc<Member>>> = const { RefCell::new(None) };
}

fn current() -> Option<Arc<Member>> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

impl Queued for Arc<dyn Job> {
    fn place(&self) -> &Place {
        (**self).place()
    }
}

impl Shared {
    pub(super) fn new(limits: Limits, name_prefix: String, stack_size: Option<usize>) -> Self {
        Self {
            dispatch: Dispatch::new(limits),
            brief: AtomicBool::new(false),
            name_prefix,
            stack_size,
            ending: Mutex::new(Ending::default()),
            all_ended: Condvar::new(),
        }
    }

    /// Accepts a job. The flag says whether it will have ended within a moment, as far as one can know.
    pub(super) fn submit(
        self: &Arc<Self>,
        job: Arc<dyn Job>,
        full: IfFull,
    ) -> Result<bool, (Denied, Arc<dyn Job>)> {
        let (help, soon) = self.dispatch.submit(job, full)?;
        self.give(help);
        Ok(soon && self.brief.load(Ordering::Relaxed))
    }

    pub(super) fn give(self: &Arc<Self>, help: Help) {
        match help {
            Help::Nothing => {}
            Help::Wake(thread) => thread.unpark(),
            Help::Start => {
                if let Err(error) = self.start() {
                    let error = Arc::new(error);
                    for job in self.dispatch.start_failed() {
                        job.fail(OffloadError::NoThread(Arc::clone(&error)));
                    }
                }
            }
        }
    }

    /// Starts a thread that the dispatch counts already.
    pub(super) fn start(self: &Arc<Self>) -> io::Result<()> {
        let number = {
            let mut ending = lock(&self.ending);
            ending.live += 1;
            ending.number += 1;
            ending.number
        };
        let mut thread = thread::Builder::new().name(format!("{}-{number}", self.name_prefix));
        if let Some(bytes) = self.stack_size {
            thread = thread.stack_size(bytes);
        }
        let shared = Arc::clone(self);
        let started = thread.spawn(move || work(shared));
        if started.is_err() {
            self.ended();
        }
        started.map(drop)
    }

    fn ended(&self) {
        let waiting = {
            let mut ending = lock(&self.ending);
            ending.live -= 1;
            if ending.live > 0 {
                return;
            }
            std::mem::take(&mut ending.waiting)
        };
        self.all_ended.notify_all();
        waiting.into_iter().for_each(listener::wake);
    }

    /// Takes no more jobs. What runs is finished, and what is queued unless `cut` says otherwise. Returns how many jobs
    /// will never run.
    pub(super) fn close(&self, cut: bool) -> usize {
        let closing = self.dispatch.close(cut);
        closing.sleepers.iter().for_each(thread::Thread::unpark);
        let refused = closing.refused.len();
        for job in closing.refused {
            job.fail(OffloadError::Closed);
        }
        refused
    }

    /// Whether all threads have ended; if not, `waker` is woken when they have.
    pub(super) fn poll_ended(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut ending = lock(&self.ending);
        if ending.live == 0 {
            drop(ending);
            return true;
        }
        ending.waiting.push(waker);
        false
    }

    /// Blocks until all threads have ended or the deadline has passed, and says how many have not.
    pub(super) fn wait_ended(&self, deadline: Option<Instant>) -> usize {
        let mut ending = lock(&self.ending);
        while ending.live > 0 {
            // `None`: a time beyond the clock's range.
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            ending = match left {
                None => self.all_ended.wait(ending),
                Some(left) => self
                    .all_ended
                    .wait_timeout(ending, left)
                    .map(|(ending, _)| ending)
                    .map_err(|poison| std::sync::PoisonError::new(poison.into_inner().0)),
            }
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        ending.live
    }

    pub(super) fn is_current(self: &Arc<Self>) -> bool {
        let is_same = |current: &Option<Arc<Member>>| {
            current
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(&current.shared, self))
        };
        CURRENT
            .try_with(|current| is_same(&current.borrow()))
            .unwrap_or(false)
    }
}

/// A thread of an offload waits, and another may take its part.
pub(crate) struct Blocked(Arc<Member>);

/// So many threads of this offload wait already that this one must not.
pub(crate) struct Exhausted;

impl Blocked {
    /// To be called before this thread blocks; `None` if it is no offload's.
    pub(crate) fn enter() -> Result<Option<Self>, Exhausted> {
        let Some(member) = current() else {
            return Ok(None);
        };
        let mut waits = lock(&member.waits);
        let help = if *waits == 0 {
            member.shared.dispatch.block().ok_or(Exhausted)?
        } else {
            Help::Nothing
        };
        *waits += 1;
        drop(waits);
        member.shared.give(help);
        Ok(Some(Self(member)))
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut waits = lock(&self.0.waits);
        *waits -= 1;
        if *waits == 0 {
            self.0.shared.dispatch.unblock();
        }
    }
}

/// A thread from start to end.
fn work(shared: Arc<Shared>) {
    /// Dropped last, after all that the thread holds.
    struct Leaving(Arc<Shared>);
    impl Drop for Leaving {
        fn drop(&mut self) {
            self.0.ended();
        }
    }

    let leaving = Leaving(Arc::clone(&shared));
    CURRENT.set(Some(Arc::new(Member {
        shared: Arc::clone(&shared),
        waits: Mutex::new(0),
    })));
    let mut me = shared.dispatch.join();
    while let Some((job, help)) = shared.dispatch.next(&mut me) {
        shared.give(help);
        job.run(&shared.brief);
    }
    CURRENT.set(None);
    drop(shared);
    drop(leaving);
}
