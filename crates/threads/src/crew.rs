use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::permit::Permit;
use crate::{TaskError, TaskPanic, max_live_threads};

/// How long a call that has no thread running goes on asking for one. The kernel lets go of an ended thread a little
/// after it is joined, so the first refusal means nothing yet.
const PATIENCE: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(1);

/// The threads of one call, by index of the task.
pub(crate) struct Crew<'scope, R> {
    slots: Vec<Slot<'scope, R>>,
    running: usize,
    limit: Option<NonZeroUsize>,
    deadline: Option<Instant>,
    ended: Receiver<usize>,
    refused_since: Option<Instant>,
}

enum Slot<'scope, R> {
    Running(ScopedJoinHandle<'scope, R>, Permit),
    Settled(Result<R, TaskError>),
}

/// Tells the crew that a task has ended, also when by a panic.
pub(crate) struct Ending<'a> {
    pub(crate) index: usize,
    pub(crate) ended: &'a Sender<usize>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // It fails only when the call no longer listens, and then nobody needs to know.
        let _ = self.ended.send(self.index);
    }
}

impl<'scope, R> Crew<'scope, R> {
    pub(crate) fn new(
        tasks: usize,
        limit: Option<NonZeroUsize>,
        deadline: Option<Instant>,
        ended: Receiver<usize>,
    ) -> Self {
        Self {
            slots: Vec::with_capacity(tasks),
            running: 0,
            limit,
            deadline,
            ended,
            refused_since: None,
        }
    }

    /// Start the next task as soon as there is room for its thread, or settle that it does not start.
    pub(crate) fn admit(&mut self, spawn: impl Fn() -> io::Result<ScopedJoinHandle<'scope, R>>) {
        self.reap_ended();
        let slot = loop {
            if self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                break Slot::Settled(Err(TaskError::NotStarted));
            }
            if self.limit.is_some_and(|limit| self.running >= limit.get()) {
                self.reap_next();
                continue;
            }
            match start(&spawn) {
                Ok(slot) => {
                    self.running += 1;
                    self.refused_since = None;
                    break slot;
                }
                Err(_) if self.running > 0 => self.reap_next(),
                Err(_) if self.has_patience() => thread::sleep(RETRY_EVERY),
                Err(error) => break Slot::Settled(Err(TaskError::Refused(error))),
            }
        };
        self.slots.push(slot);
    }

    /// Wait for all and hand out the results in order.
    pub(crate) fn finish(mut self) -> Vec<Result<R, TaskError>> {
        // In the order in which they end, so that permits and stacks are free for other calls at once.
        while self.running > 0 {
            self.reap_next();
        }
        self.slots.into_iter().map(Slot::settle).collect()
    }

    fn reap_ended(&mut self) {
        while let Ok(index) = self.ended.try_recv() {
            self.reap(index);
        }
    }

    /// Wait until a task ends. Not only to the deadline: beyond it the call waits for its threads all the same.
    fn reap_next(&mut self) {
        // It fails only without a sender, and the call keeps one.
        if let Ok(index) = self.ended.recv() {
            self.reap(index);
        }
    }

    /// Join the thread, so that it is gone and not only about to go when the next one starts.
    fn reap(&mut self, index: usize) {
        let slot = mem::replace(
            &mut self.slots[index],
            Slot::Settled(Err(TaskError::NotStarted)),
        );
        self.slots[index] = Slot::Settled(slot.settle());
        self.running -= 1;
    }

    /// Patience is for a row of refusals, not for each of them: what follows in a hopeless row fails at once.
    fn has_patience(&mut self) -> bool {
        self.refused_since
            .get_or_insert_with(Instant::now)
            .elapsed()
            < PATIENCE
    }
}

impl<R> Slot<'_, R> {
    fn settle(self) -> Result<R, TaskError> {
        match self {
            Self::Running(handle, _permit) => handle
                .join()
                .map_err(|payload| TaskError::Panicked(TaskPanic::new(payload))),
            Self::Settled(result) => result,
        }
    }
}

fn start<'scope, R>(
    spawn: impl Fn() -> io::Result<ScopedJoinHandle<'scope, R>>,
) -> io::Result<Slot<'scope, R>> {
    let most = max_live_threads();
    let permit = Permit::take(most).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::WouldBlock,
            format!("other calls keep all {most} threads of this process busy"),
        )
    })?;
    Ok(Slot::Running(spawn()?, permit))
}
