//! `Running`, the spawned tasks of one call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::catch_unwind::CatchUnwind;
use crate::error::TaskError;
use crate::inbox::{Ended, Inbox};
use crate::runtime::{Runtime, Task};

/// Spawned tasks. Dropping this aborts them.
///
/// A task carries its index and its slot and leaves both in the inbox with its result, so nothing
/// has to be looked up. The owner takes everything that has arrived at once, so it is woken once
/// per batch and not once per task.
pub(crate) struct Running<R> {
    inbox: Arc<Inbox<R>>,
    /// `None` in a free slot, and for a task that was aborted and has not arrived yet.
    tasks: Vec<Option<Task<()>>>,
    free: Vec<usize>,
    /// The buffer that is swapped with the one in the inbox. Empty between calls.
    batch: Vec<Ended<R>>,
}

impl<R> Running<R> {
    pub(crate) fn new() -> Self {
        Self {
            inbox: Arc::new(Inbox::new()),
            tasks: Vec::new(),
            free: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// The number of tasks that were spawned and have not been returned as ended.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len() - self.free.len()
    }

    /// Whether a task has ended that was not returned.
    pub(crate) fn has_ended(&self) -> bool {
        self.inbox.has_ended()
    }

    /// Aborts every task. Each still arrives in the inbox: cancelled, or ended just before.
    pub(crate) fn abort_all(&mut self) {
        self.tasks
            .iter_mut()
            .filter_map(Option::take)
            .for_each(Task::abort);
    }

    /// Passes all tasks that have ended to `each`, in the order in which they ended. Waits until
    /// there is one.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(usize, Result<R, TaskError>),
    ) -> Poll<()> {
        ready!(self.inbox.poll_take(cx, &mut self.batch));
        for Ended {
            index,
            result,
            slot,
        } in self.batch.drain(..)
        {
            self.tasks[slot] = None;
            self.free.push(slot);
            each(index, result);
        }
        Poll::Ready(())
    }
}

impl<R: Send + 'static> Running<R> {
    pub(crate) fn spawn<F>(&mut self, runtime: &Runtime, index: usize, future: F)
    where
        F: Future<Output = R> + Send + 'static,
    {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            self.tasks.len() - 1
        });
        let reporting = Reporting::new(future, index, slot, &self.inbox);
        self.tasks[slot] = Some(runtime.spawn(reporting));
    }
}

impl<R> Drop for Running<R> {
    fn drop(&mut self) {
        self.abort_all();
        self.inbox.close();
    }
}

pin_project! {
    /// The future that is spawned. It always reports, whether it ended, panicked or was dropped.
    pub(crate) struct Reporting<F: Future> {
        #[pin]
        future: CatchUnwind<F>,
        index: usize,
        slot: usize,
        inbox: Arc<Inbox<F::Output>>,
    }

    impl<F: Future> PinnedDrop for Reporting<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.future.is_empty() {
                let dropped = this.future.cancel();
                let error = dropped.err().map_or(TaskError::Cancelled, TaskError::Panicked);
                this.inbox.put(Ended {
                    index: *this.index,
                    result: Err(error),
                    slot: *this.slot,
                });
            }
        }
    }
}

impl<F: Future> Reporting<F> {
    /// A future that leaves its result, `index` and `slot` in the inbox.
    pub(crate) fn new(future: F, index: usize, slot: usize, inbox: &Arc<Inbox<F::Output>>) -> Self {
        Self {
            future: CatchUnwind::new(future),
            index,
            slot,
            inbox: Arc::clone(inbox),
        }
    }
}

impl<F: Future> Future for Reporting<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let result = ready!(this.future.poll(cx)).map_err(TaskError::Panicked);
        this.inbox.put(Ended {
            index: *this.index,
            result,
            slot: *this.slot,
        });
        Poll::Ready(())
    }
}
