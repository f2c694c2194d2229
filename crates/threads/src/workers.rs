//! [`Workers`], the live threads of one call: starting them, joining them, and waiting for permits.

use std::cell::Cell;
use std::io;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::error::TaskError;
use crate::max_threads::{max_live_threads, permits};
use crate::panic::{TaskPanic, drop_quietly};
use crate::permits::{Blocked, Denied, Permit};
use crate::stop::Stop;

/// How long a call without a running thread retries a refused spawn. The kernel releases a thread
/// shortly after it is joined, so a single refusal means nothing.
const RETRY_FOR: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(1);
/// How long a call with running threads that is refused another one waits for one of its own to end
/// before it tries again: another call may have released a thread.
const RECHECK_EVERY: Duration = Duration::from_millis(10);

/// Receives the result of each task, with its index, in the order in which the tasks end.
pub(crate) type Sink<'a, R> = &'a mut dyn FnMut(usize, Result<R, TaskError>);

/// The threads of one call.
pub(crate) struct Workers<'scope, 'a, R> {
    workers: Vec<Option<Worker<'scope, R>>>,
    running: usize,
    limit: usize,
    stop: &'a Stop,
    ended: Receiver<usize>,
    refused_since: Option<Instant>,
    sink: Sink<'a, R>,
}

/// The handle of a worker, which returns an error if its task did not start.
type Handle<'scope, R> = ScopedJoinHandle<'scope, Result<R, TaskError>>;

struct Worker<'scope, R> {
    handle: Handle<'scope, R>,
    _permit: Permit<'static>,
}

thread_local!(static HAS_PERMIT: Cell<bool> = const { Cell::new(false) });

/// Sends the index of a task when the task ends, even if by a panic.
pub(crate) struct EndSignal<'a> {
    index: usize,
    ended: &'a Sender<usize>,
}

impl<'a> EndSignal<'a> {
    /// On the thread of the task.
    pub(crate) fn new(index: usize, ended: &'a Sender<usize>) -> Self {
        HAS_PERMIT.set(true);
        Self { index, ended }
    }
}

impl Drop for EndSignal<'_> {
    fn drop(&mut self) {
        // It fails only if the call no longer receives.
        let _ = self.ended.send(self.index);
    }
}

impl<'scope, 'a, R> Workers<'scope, 'a, R> {
    pub(crate) fn new(
        tasks: usize,
        limit: usize,
        stop: &'a Stop,
        ended: Receiver<usize>,
        sink: Sink<'a, R>,
    ) -> Self {
        Self {
            workers: (0..tasks).map(|_| None).collect(),
            running: 0,
            limit,
            stop,
            ended,
            refused_since: None,
            sink,
        }
    }

    /// Starts the worker of a task as soon as it is allowed to, or reports why it cannot start.
    pub(crate) fn start(
        &mut self,
        index: usize,
        spawn: impl Fn() -> io::Result<Handle<'scope, R>>,
    ) {
        self.join_ended();
        loop {
            if let Some(refused) = refusal(self.stop) {
                return (self.sink)(index, Err(refused));
            }
            if self.running >= self.limit {
                self.join_next();
                continue;
            }
            let permit = match self.permit() {
                Ok(Some(permit)) => permit,
                Ok(None) => continue,
                Err(error) => return (self.sink)(index, Err(TaskError::Refused(error))),
            };
            match spawn() {
                Ok(handle) => {
                    self.workers[index] = Some(Worker {
                        handle,
                        _permit: permit,
                    });
                    self.running += 1;
                    self.refused_since = None;
                    return;
                }
                Err(_) if self.running > 0 => self.join_next_or_recheck(),
                Err(_) if self.may_retry() => {
                    self.stop.wait_timeout(RETRY_EVERY);
                }
                Err(error) => return (self.sink)(index, Err(TaskError::Refused(error))),
            }
        }
    }

    /// Joins all workers, in the order in which they end, so that their permits and stacks are free
    /// for other calls at once.
    pub(crate) fn join_all(mut self) {
        while self.running > 0 {
            self.join_next();
        }
    }

    /// A permit for one more thread, or `None` if the caller should check its conditions again.
    fn permit(&mut self) -> io::Result<Option<Permit<'static>>> {
        if let Some(permit) = permits().try_acquire() {
            return Ok(Some(permit));
        }
        if self.running > 0 {
            self.join_next_or_recheck();
            return Ok(None);
        }
        let stopped = || self.stop.is_stopped();
        match permits().acquire(HAS_PERMIT.get(), self.stop.deadline(), stopped) {
            Ok(permit) => Ok(Some(permit)),
            Err(Denied::Cancelled) => Ok(None),
            Err(Denied::Deadlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!(
                    "all {} threads of this process wait for threads of nested calls",
                    max_live_threads()
                ),
            )),
        }
    }

    fn join_ended(&mut self) {
        while let Ok(index) = self.ended.try_recv() {
            self.join_and_report(index);
        }
    }

    /// Waits until a task ends, even beyond the deadline: a call never abandons its threads.
    fn join_next(&mut self) {
        let ended = {
            let _blocked = blocked();
            self.ended.recv()
        };
        // It fails only without a sender, and the call keeps one.
        if let Ok(index) = ended {
            self.join_and_report(index);
        }
    }

    fn join_next_or_recheck(&mut self) {
        let ended = {
            let _blocked = blocked();
            self.ended.recv_timeout(RECHECK_EVERY)
        };
        if let Ok(index) = ended {
            self.join_and_report(index);
        }
    }

    fn join_and_report(&mut self, index: usize) {
        if let Some(result) = self.join(index) {
            (self.sink)(index, result);
        }
    }

    /// Joins the worker, so that its thread is gone before another starts in its place.
    fn join(&mut self, index: usize) -> Option<Result<R, TaskError>> {
        let worker = self.workers[index].take()?;
        self.running -= 1;
        let outcome = worker.handle.join();
        Some(outcome.unwrap_or_else(|payload| Err(TaskError::Panicked(TaskPanic::new(payload)))))
    }

    /// The time to retry counts from the first refusal in a row, so that each further one fails at
    /// once.
    fn may_retry(&mut self) -> bool {
        self.refused_since
            .get_or_insert_with(Instant::now)
            .elapsed()
            < RETRY_FOR
    }
}

impl<R> Drop for Workers<'_, '_, R> {
    /// With running workers only if the sink panics: joins them and so releases their permits.
    fn drop(&mut self) {
        if self.running > 0 {
            self.stop.stop();
        }
        while self.running > 0 {
            let Ok(index) = self.ended.recv() else { return };
            drop_quietly(self.join(index));
        }
    }
}

/// Why a task may not start. A stop takes precedence over the deadline.
pub(crate) fn refusal(stop: &Stop) -> Option<TaskError> {
    if stop.was_stopped() {
        Some(TaskError::Stopped)
    } else {
        stop.is_stopped().then_some(TaskError::TimedOut)
    }
}

/// Counts the calling thread as blocked if it is a task that waits for threads of a nested call.
fn blocked() -> Option<Blocked<'static>> {
    HAS_PERMIT.get().then(|| permits().block())
}
