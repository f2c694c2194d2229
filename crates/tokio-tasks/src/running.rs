//! The tasks that are running for one owner, and the inbox in which they leave their results.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::TaskError;
use crate::contained::Contained;
use crate::runtime::{Runtime, Task};

/// A task that has ended. Its future is dropped by then.
pub(crate) struct Ended<R> {
    /// Which task it was, as the owner counts.
    pub(crate) index: usize,
    pub(crate) outcome: Result<R, TaskError>,
    /// Where its handle is kept.
    slot: usize,
}

/// Running tasks. Dropping this aborts them.
///
/// A task carries its index and leaves it in the inbox with its result, so nothing is looked up; and the owner takes
/// all that has arrived at once, so it is woken once per batch and not once per task.
pub(crate) struct Running<R> {
    inbox: Arc<Inbox<R>>,
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    /// The buffer that is exchanged for the one in the inbox; always empty in between.
    batch: Vec<Ended<R>>,
}

impl<R: Send + 'static> Running<R> {
    pub(crate) fn new() -> Self {
        let inbox = Arc::new(Inbox {
            state: Mutex::new(State {
                ended: Vec::new(),
                owner: None,
                closed: false,
            }),
        });
        Self {
            inbox,
            tasks: Vec::new(),
            free: Vec::new(),
            batch: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len() - self.free.len()
    }

    pub(crate) fn spawn<F>(&mut self, runtime: &Runtime, index: usize, future: F)
    where
        F: Future<Output = R> + Send + 'static,
    {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            self.tasks.len() - 1
        });
        let reporting = Reporting {
            future: Contained::new(future),
            index,
            slot,
            inbox: Arc::clone(&self.inbox),
        };
        self.tasks[slot] = Some(runtime.spawn(reporting));
    }

    /// Hands all tasks that have ended to `each`, in the order in which they ended; waits until there is one.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(usize, Result<R, TaskError>),
    ) -> Poll<()> {
        ready!(self.inbox.poll_take(cx, &mut self.batch));
        for Ended {
            index,
            outcome,
            slot,
        } in self.batch.drain(..)
        {
            self.tasks[slot] = None;
            self.free.push(slot);
            each(index, outcome);
        }
        Poll::Ready(())
    }
}

impl<R> Running<R> {
    /// Aborts every task. Each still arrives in the inbox: cancelled, or ended just before.
    pub(crate) fn abort_all(&self) {
        self.tasks.iter().flatten().for_each(Task::abort);
    }
}

impl<R> Drop for Running<R> {
    fn drop(&mut self) {
        self.abort_all();
        self.inbox.close();
    }
}

struct Inbox<R> {
    state: Mutex<State<R>>,
}

struct State<R> {
    ended: Vec<Ended<R>>,
    owner: Option<Waker>,
    closed: bool,
}

impl<R> Inbox<R> {
    /// Wakers are called, and values dropped, only after this lock is released: either may come back to it.
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, ended: Ended<R>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            // Nobody will read this result. It is dropped here, on the task, and may panic no further.
            drop(crate::panic::contain(|| drop(ended)));
            return;
        }
        state.ended.push(ended);
        let owner = state.owner.take();
        drop(state);
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    fn poll_take(&self, cx: &mut Context<'_>, batch: &mut Vec<Ended<R>>) -> Poll<()> {
        let mut state = self.lock();
        if state.ended.is_empty() {
            let waker = cx.waker().clone();
            let before = state.owner.replace(waker);
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        std::mem::swap(&mut state.ended, batch);
        Poll::Ready(())
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let ended = std::mem::take(&mut state.ended);
        let owner = state.owner.take();
        drop(state);
        drop((ended, owner));
    }
}

pin_project! {
    /// The future that is spawned: it always reports, whether it ended, panicked or was dropped.
    struct Reporting<F: Future> {
        #[pin]
        future: Contained<F>,
        index: usize,
        slot: usize,
        inbox: Arc<Inbox<F::Output>>,
    }

    impl<F: Future> PinnedDrop for Reporting<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(discarded) = this.future.as_mut().discard() {
                let error = discarded.err().map_or(TaskError::Cancelled, TaskError::Panicked);
                this.inbox.put(Ended {
                    index: *this.index,
                    outcome: Err(error),
                    slot: *this.slot,
                });
            }
        }
    }
}

impl<F: Future> Future for Reporting<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.future.poll(cx)).map_err(TaskError::Panicked);
        this.inbox.put(Ended {
            index: *this.index,
            outcome,
            slot: *this.slot,
        });
        Poll::Ready(())
    }
}
