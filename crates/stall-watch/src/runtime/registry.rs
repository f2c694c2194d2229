//! The registry of the watched runtimes, and of the threads that their workers are known to run on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Handle, Id};

use super::thread_token::{ThreadRef, ThreadToken};
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct RuntimeRegistry {
    watched: Mutex<Vec<Arc<WatchedRuntime>>>,
    workers: Mutex<HashMap<(Id, usize), Worker>>,
    /// The threads that a runtime has started: its workers, and those of blocking tasks. Which of
    /// them is which worker becomes known later.
    started: Mutex<HashMap<Id, Vec<ThreadRef>>>,
}

#[derive(Debug)]
pub(crate) struct WatchedRuntime {
    pub(crate) handle: Handle,
    /// The thread that drives a current-thread runtime.
    pub(crate) driver: Option<ThreadToken>,
}

#[derive(Debug)]
struct Worker {
    thread: ThreadRef,
    /// Whether its hooks wake the watchdog when it is unparked.
    has_hooks: bool,
}

impl RuntimeRegistry {
    pub(super) fn watch(&self, runtime: &Arc<WatchedRuntime>) {
        lock(&self.watched).push(Arc::clone(runtime));
    }

    pub(super) fn unwatch(&self, runtime: &Arc<WatchedRuntime>) {
        lock(&self.watched).retain(|watched| !Arc::ptr_eq(watched, runtime));
    }

    pub(super) fn watched(&self) -> Vec<Arc<WatchedRuntime>> {
        lock(&self.watched).clone()
    }

    /// Notes which thread the current worker runs on, if this thread is a worker. `has_hooks`: its
    /// runtime's hooks call this.
    pub(crate) fn note_worker(&self, token: &ThreadToken, has_hooks: bool) {
        let (Some(worker), Ok(runtime)) = (tokio::runtime::worker_index(), Handle::try_current())
        else {
            return;
        };
        let mut workers = lock(&self.workers);
        let key = (runtime.id(), worker);
        let has_hooks = has_hooks || workers.get(&key).is_some_and(|worker| worker.has_hooks);
        // Called once per thread, so this is the time to forget threads that have exited.
        workers.retain(|_, worker| worker.thread.is_alive());
        let thread = token.thread_ref();
        workers.insert(key, Worker { thread, has_hooks });
    }

    /// Notes that a runtime has started the current thread.
    pub(super) fn note_start(&self, runtime: &Handle, token: &ThreadToken) {
        let mut started = lock(&self.started);
        started.retain(|_, threads| {
            threads.retain(ThreadRef::is_alive);
            !threads.is_empty()
        });
        let threads = started.entry(runtime.id()).or_default();
        threads.push(token.thread_ref());
    }

    /// The threads of a runtime that are not known to be one of its workers.
    pub(super) fn unplaced(&self, runtime: Id) -> Vec<ThreadRef> {
        let mut threads = lock(&self.started)
            .get(&runtime)
            .cloned()
            .unwrap_or_default();
        let workers = lock(&self.workers);
        let is_placed = |thread: &ThreadRef| {
            let mut placed = workers.iter().filter(|((id, _), _)| *id == runtime);
            placed.any(|(_, worker)| worker.thread.thread.id == thread.thread.id)
        };
        threads.retain(|thread| thread.is_alive() && !is_placed(thread));
        threads
    }

    /// The thread of a worker, if it is known, and whether it has hooks.
    pub(super) fn worker(
        &self,
        runtime: &WatchedRuntime,
        worker: usize,
    ) -> (Option<ThreadRef>, bool) {
        let workers = lock(&self.workers);
        match workers.get(&(runtime.handle.id(), worker)) {
            Some(worker) => (Some(worker.thread.clone()), worker.has_hooks),
            None => (runtime.driver.as_ref().map(ThreadToken::thread_ref), false),
        }
    }
}
