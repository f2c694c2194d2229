//! The chain of jobs that a job or coroutine was started from, tracked through coroutines as well.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A job of an offload that has started something itself.
struct EnclosingJob {
    /// The address of the offload's shared part.
    offload: usize,
    has_ended: AtomicBool,
}

/// The jobs that something was started from, the outermost first.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Vec<Arc<EnclosingJob>>>);

impl Origin {
    /// The number of jobs of this offload among them that have not ended.
    pub(super) fn count(&self, offload: usize) -> usize {
        let jobs = self.0.iter();
        let of_offload = jobs.filter(|job| job.offload == offload);
        of_offload
            .filter(|job| !job.has_ended.load(Ordering::Relaxed))
            .count()
    }

    /// One level deeper. Ended jobs are left out, so that the chain does not grow if each job
    /// submits its successor.
    fn extended(origin: Option<&Self>, offload: usize) -> Self {
        let jobs = origin.map_or(&[][..], |origin| &origin.0);
        let alive = jobs
            .iter()
            .filter(|job| !job.has_ended.load(Ordering::Relaxed));
        let own = Arc::new(EnclosingJob {
            offload,
            has_ended: AtomicBool::new(false),
        });
        Self(Arc::new(alive.cloned().chain([own]).collect()))
    }
}

/// The work that the current thread is running.
enum Scope {
    Nothing,
    /// A job of an offload.
    Job {
        offload: usize,
        origin: Option<Origin>,
        /// The origin of what this job starts. Made when it is needed.
        own: Option<Origin>,
    },
    /// A coroutine that was started through a portal.
    Coroutine(Option<Origin>),
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Nothing) };
}

/// The origin of what is started now, and whether a job itself starts it, not a coroutine.
pub(super) fn current() -> (Option<Origin>, bool) {
    let current = SCOPE.try_with(|scope| match &mut *scope.borrow_mut() {
        Scope::Nothing => (None, false),
        Scope::Coroutine(origin) => (origin.clone(), false),
        Scope::Job {
            offload,
            origin,
            own,
        } => {
            let own = own.get_or_insert_with(|| Origin::extended(origin.as_ref(), *offload));
            (Some(own.clone()), true)
        }
    });
    current.unwrap_or((None, false))
}

/// The origin of a coroutine that is started now.
pub(crate) fn origin() -> Option<Origin> {
    current().0
}

/// Notes that a job of an offload runs on this thread.
pub(super) fn begin_job(offload: usize, origin: Option<Origin>) {
    SCOPE.set(Scope::Job {
        offload,
        origin,
        own: None,
    });
}

/// Notes that it has ended.
pub(super) fn end_job() {
    if let Scope::Job { own: Some(own), .. } = SCOPE.replace(Scope::Nothing)
        && let Some(job) = own.0.last()
    {
        job.has_ended.store(true, Ordering::Relaxed);
    }
}

/// Marks a scope in which a coroutine is polled on this thread.
pub(crate) struct CoroutineScope(Scope);

impl CoroutineScope {
    pub(crate) fn enter(origin: Option<Origin>) -> Self {
        Self(SCOPE.replace(Scope::Coroutine(origin)))
    }
}

impl Drop for CoroutineScope {
    fn drop(&mut self) {
        SCOPE.set(mem::replace(&mut self.0, Scope::Nothing));
    }
}
