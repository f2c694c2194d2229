use std::cell::Cell;
use std::io;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::ceiling::{gate, max_live_threads};
use crate::error::TaskError;
use crate::gate::{Denied, Permit, Stuck};
use crate::panic::{TaskPanic, drop_quietly};
use crate::stop::Stop;

/// How long a call that has no thread running goes on asking the system for one. The kernel lets go of an ended thread a
/// little after it is joined, so the first refusal means nothing yet.
const PATIENCE: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(1);
/// How often a call that has threads running, and is refused more, looks whether another call has given some back.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What becomes of each task, by index and in the order in which they end.
pub(crate) type Sink<'a, R> = &'a mut dyn FnMut(usize, Result<R, TaskError>);

/// The threads of one call.
pub(crate) struct Crew<'scope, 'a, R> {
    threads: Vec<Option<Thread<'scope, R>>>,
    running: usize,
    limit: usize,
    stop: &'a Stop,
    ended: Receiver<usize>,
    refused_since: Option<Instant>,
    sink: Sink<'a, R>,
}

/// A thread of the call. It ends with an error if its task did not begin.
type Handle<'scope, R> = ScopedJoinHandle<'scope, Result<R, TaskError>>;

struct Thread<'scope, R> {
    handle: Handle<'scope, R>,
    _permit: Permit<'static>,
}

thread_local!(static HAS_A_PERMIT: Cell<bool> = const { Cell::new(false) });

/// What a thread has with it: it tells the crew when its task has ended, also when by a panic.
pub(crate) struct Member<'a> {
    index: usize,
    ended: &'a Sender<usize>,
}

impl<'a> Member<'a> {
    pub(crate) fn new(index: usize, ended: &'a Sender<usize>) -> Self {
        HAS_A_PERMIT.set(true);
        Self { index, ended }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        // It fails only when the call no longer listens, and then nobody needs to know.
        let _ = self.ended.send(self.index);
    }
}

impl<'scope, 'a, R> Crew<'scope, 'a, R> {
    pub(crate) fn new(
        tasks: usize,
        limit: usize,
        stop: &'a Stop,
        ended: Receiver<usize>,
        sink: Sink<'a, R>,
    ) -> Self {
        Self {
            threads: (0..tasks).map(|_| None).collect(),
            running: 0,
            limit,
            stop,
            ended,
            refused_since: None,
            sink,
        }
    }

    /// Start the task as soon as there is room for its thread, or settle that it does not start.
    pub(crate) fn admit(
        &mut self,
        index: usize,
        spawn: impl Fn() -> io::Result<Handle<'scope, R>>,
    ) {
        self.reap_ended();
        loop {
            if let Some(refused) = refusal(self.stop) {
                return (self.sink)(index, Err(refused));
            }
            if self.running >= self.limit {
                self.reap_next();
                continue;
            }
            let permit = match self.permit() {
                Ok(Some(permit)) => permit,
                Ok(None) => continue,
                Err(error) => return (self.sink)(index, Err(TaskError::Refused(error))),
            };
            match spawn() {
                Ok(handle) => {
                    self.threads[index] = Some(Thread {
                        handle,
                        _permit: permit,
                    });
                    self.running += 1;
                    self.refused_since = None;
                    return;
                }
                Err(_) if self.running > 0 => self.reap_next_soon(),
                Err(_) if self.has_patience() => {
                    self.stop.wait_timeout(RETRY_EVERY);
                }
                Err(error) => return (self.sink)(index, Err(TaskError::Refused(error))),
            }
        }
    }

    /// Wait for all, in the order in which they end, so that permits and stacks are free for other calls at once.
    pub(crate) fn finish(mut self) {
        while self.running > 0 {
            self.reap_next();
        }
    }

    /// A permit for one more thread, or `None` when it is worth a new look.
    fn permit(&mut self) -> io::Result<Option<Permit<'static>>> {
        if let Some(permit) = gate().try_take() {
            return Ok(Some(permit));
        }
        if self.running > 0 {
            self.reap_next_soon();
            return Ok(None);
        }
        let over = || self.stop.is_stopped();
        match gate().take(HAS_A_PERMIT.get(), self.stop.deadline(), over) {
            Ok(permit) => Ok(Some(permit)),
            Err(Denied::Over) => Ok(None),
            Err(Denied::Deadlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!(
                    "all {} threads of this process wait for threads of nested calls",
                    max_live_threads()
                ),
            )),
        }
    }

    fn reap_ended(&mut self) {
        while let Ok(index) = self.ended.try_recv() {
            self.reap(index);
        }
    }

    /// Wait until a task ends. Not only to the deadline: beyond it the call waits for its threads all the same.
    fn reap_next(&mut self) {
        let ended = {
            let _stuck = stuck();
            self.ended.recv()
        };
        // It fails only without a sender, and the call keeps one.
        if let Ok(index) = ended {
            self.reap(index);
        }
    }

    fn reap_next_soon(&mut self) {
        let ended = {
            let _stuck = stuck();
            self.ended.recv_timeout(LOOK_EVERY)
        };
        if let Ok(index) = ended {
            self.reap(index);
        }
    }

    fn reap(&mut self, index: usize) {
        if let Some(result) = self.join(index) {
            (self.sink)(index, result);
        }
    }

    /// Join the thread, so that it is gone and not only about to go when the next one starts.
    fn join(&mut self, index: usize) -> Option<Result<R, TaskError>> {
        let thread = self.threads[index].take()?;
        self.running -= 1;
        let outcome = thread.handle.join();
        Some(outcome.unwrap_or_else(|payload| Err(TaskError::Panicked(TaskPanic::new(payload)))))
    }

    /// Patience is for a row of refusals, not for each of them: what follows in a hopeless row fails at once.
    fn has_patience(&mut self) -> bool {
        self.refused_since
            .get_or_insert_with(Instant::now)
            .elapsed()
            < PATIENCE
    }
}

impl<R> Drop for Crew<'_, '_, R> {
    /// Left behind by a sink that panics: the threads are waited for all the same, and give their permits back.
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

/// Why a task may not begin. A stop is reported even if the deadline has passed as well.
pub(crate) fn refusal(stop: &Stop) -> Option<TaskError> {
    if stop.was_stopped() {
        Some(TaskError::Stopped)
    } else {
        stop.is_stopped().then_some(TaskError::NotStarted)
    }
}

/// Marks a task that waits for the threads of a call of its own.
fn stuck() -> Option<Stuck<'static>> {
    HAS_A_PERMIT.get().then(|| gate().stuck())
}
