//! What the handles of an offload and its threads have in common.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use super::dispatch::{Denied, Dispatch, IfFull};
use super::lane::{Place, Queued};
use super::nesting;
use super::state::{Help, Limits};
use super::task::Job;
use crate::OffloadError;
use crate::listener;
use crate::panic::drop_contained;
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
    waits: Mutex<Waits>,
    /// Whether its job was begun because all others waited. Written by the thread itself only.
    is_extra: AtomicBool,
}

#[derive(Default)]
struct Waits {
    /// Which of the thread's jobs it is, as far as any of them has waited.
    job: u64,
    /// In how many waits of this crate that job is: several when it awaits several calls at once.
    count: usize,
}

impl Member {
    /// A job has ended. What it has polled and given away does not block this thread any more.
    fn end_job(&self) {
        let mut waits = lock(&self.waits);
        waits.job += 1;
        if std::mem::take(&mut waits.count) > 0 {
            self.shared.dispatch.unblock();
        }
    }
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
                    for job in self.start_failed() {
                        job.fail(OffloadError::NoThread(Arc::clone(&error)));
                    }
                }
            }
        }
    }

    /// Starts a thread that the dispatch counts already. After an error, `start_failed` is to be called.
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
        thread.spawn(move || work(shared)).map(drop)
    }

    /// Returns the jobs that nobody will ever come to.
    pub(super) fn start_failed(&self) -> Vec<Arc<dyn Job>> {
        let stranded = self.dispatch.start_failed();
        self.ended();
        stranded
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
        let has_ended = self.remaining(&ending) == 0;
        // A task that has other work besides is polled often, with one waker.
        if !has_ended && !ending.waiting.iter().any(|known| known.will_wake(&waker)) {
            ending.waiting.push(waker);
            return false;
        }
        drop(ending);
        drop_contained(waker);
        has_ended
    }

    /// How many threads have not come to their end, those that are about to start included: a job was accepted for them.
    fn remaining(&self, ending: &Ending) -> usize {
        ending.live.max(self.dispatch.threads())
    }

    /// Blocks until all threads have ended or the deadline has passed, and says how many have not.
    pub(super) fn wait_ended(&self, deadline: Option<Instant>) -> usize {
        let mut ending = lock(&self.ending);
        while self.remaining(&ending) > 0 {
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
        self.remaining(&ending)
    }

    /// Tells offloads apart.
    pub(super) fn number(&self) -> usize {
        std::ptr::from_ref(self).addr()
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

/// A thread of an offload waits, and another may take its part: until this is dropped, or the job that waits has ended.
pub(crate) struct Blocked {
    member: Arc<Member>,
    job: u64,
}

/// So many threads of this offload wait already that this one must not.
pub(crate) struct Exhausted;

impl Blocked {
    /// To be called before this thread blocks; `None` if it is no offload's.
    pub(crate) fn enter() -> Result<Option<Self>, Exhausted> {
        let Some(member) = current() else {
            return Ok(None);
        };
        let mut waits = lock(&member.waits);
        let help = if waits.count == 0 {
            let offload = member.shared.number();
            let nested = nesting::current()
                .0
                .map_or(1, |origin| origin.count(offload));
            let is_extra = member.is_extra.load(Ordering::Relaxed);
            let help = member.shared.dispatch.block(nested, is_extra);
            help.ok_or(Exhausted)?
        } else {
            Help::Nothing
        };
        waits.count += 1;
        let job = waits.job;
        drop(waits);
        member.shared.give(help);
        Ok(Some(Self { member, job }))
    }

    /// Whether it is this thread that waits, and in the job that it is at now.
    pub(crate) fn is_here(&self) -> bool {
        current().is_some_and(|current| {
            Arc::ptr_eq(&current, &self.member) && lock(&current.waits).job == self.job
        })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut waits = lock(&self.member.waits);
        if waits.job != self.job {
            return;
        }
        waits.count -= 1;
        if waits.count == 0 {
            self.member.shared.dispatch.unblock();
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
    let member = Arc::new(Member {
        shared: Arc::clone(&shared),
        waits: Mutex::default(),
        is_extra: AtomicBool::new(false),
    });
    CURRENT.set(Some(Arc::clone(&member)));
    let mut me = shared.dispatch.join();
    while let Some((job, help)) = shared.dispatch.next(&mut me) {
        shared.give(help);
        member.is_extra.store(me.is_extra(), Ordering::Relaxed);
        nesting::begin_call(shared.number(), job.origin());
        job.run(&shared.brief);
        nesting::end_call();
        // The one here and the thread's own: more are waits that have outlived the job.
        if Arc::strong_count(&member) > 2 {
            member.end_job();
        }
    }
    CURRENT.set(None);
    drop(member);
    drop(shared);
    drop(leaving);
}
