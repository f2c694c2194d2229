//! Running children as futures, on any async runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_channel::oneshot::Receiver;

use crate::batch::Batch;
use crate::child::Child;
use crate::command::Command;
use crate::error::Error;
use crate::finished::Finished;
use crate::many::Many;
use crate::monitor::state::Monitor;
use crate::pipeline::{Piped, Pipeline};
use crate::reactor::reply::Reply;
use crate::reactor::watcher::{self, MakeTask, Task, WatchRequest, WatchedTask, copy_error};
use crate::stages::Stages;
use crate::start::start;

/// The future of running children. It works on any runtime: one watcher thread per program serves
/// the children, and ends after a second without work.
///
/// # Cancellation
/// Dropping the future kills the children with their trees, without waiting for their end. Nothing
/// is started before the first poll, except by [`Child::finish_async`].
///
/// # Panics
/// If it is polled again after it returned `Ready`, or if the watcher thread has panicked.
#[must_use = "a future does nothing until it is polled"]
pub struct Running<T> {
    state: State<T>,
}

enum State<T> {
    New(WatchRequest, Receiver<T>),
    Submitted(Receiver<T>),
    Over,
}

// No field is pinned.
impl<T> Unpin for Running<T> {}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::New(..) => "Running(not started)",
            State::Submitted(_) => "Running",
            State::Over => "Running(over)",
        })
    }
}

impl<T> Future for Running<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if let State::New(..) = self.state {
            self.submit();
        }
        let State::Submitted(receiver) = &mut self.state else {
            panic!("polled after completion");
        };
        let result = ready!(Pin::new(receiver).poll(context));
        self.state = State::Over;
        Poll::Ready(result.expect("the watcher thread completes every task"))
    }
}

impl<T> Running<T> {
    /// A future that makes its task at the first poll, unless it is abandoned by then.
    fn lazy(
        spawns: bool,
        make: impl FnOnce(io::Result<()>, Reply<T>) -> Option<Box<dyn Task>> + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
    {
        Self::new(spawns, |ready, reply| {
            let wanted = !reply.is_abandoned();
            wanted.then(|| make(ready, reply)).flatten()
        })
    }

    fn new(
        spawns: bool,
        make: impl FnOnce(io::Result<()>, Reply<T>) -> Option<Box<dyn Task>> + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
    {
        let (reply, receiver) = Reply::new();
        let make = Box::new(move |ready| make(ready, reply));
        Self {
            state: State::New(WatchRequest { make, spawns }, receiver),
        }
    }

    fn submit(&mut self) {
        if let State::New(request, receiver) = mem::replace(&mut self.state, State::Over) {
            watcher::submit(request);
            self.state = State::Submitted(receiver);
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if matches!(self.state, State::Submitted(_)) {
            // Drops the receiver first, so that the watcher sees the task as abandoned.
            self.state = State::Over;
            watcher::wake();
        }
    }
}

type RunResult = Result<Finished, Error>;

/// The error of a command that was not started, or a child that was killed, for lack of a watcher.
fn no_watcher(command: String, error: io::Error) -> Error {
    Error::Watch { command, error }
}

fn watched(monitor: Monitor, reply: Reply<RunResult>) -> Box<dyn Task> {
    Box::new(WatchedTask {
        work: monitor,
        reply,
        result: Monitor::result,
        cancel: |monitor| monitor.end(Duration::ZERO),
    })
}

impl Command {
    /// [`run`](Self::run) as a future.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output { futures::executor::block_on(future) }
    /// let echo = effective_child_process::Command::new("echo").arg("later");
    /// let finished = block_on(echo.run_async())?;
    /// assert_eq!(finished.stdout, b"later\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_async(&self) -> Running<Result<Finished, Error>> {
        let command = self.clone();
        Running::lazy(true, move |ready, mut reply| {
            let started = match ready {
                Ok(()) => start(&command),
                Err(error) => Err(no_watcher(command.line(), error)),
            };
            match started {
                Ok(monitor) => Some(watched(monitor, reply)),
                Err(error) => {
                    reply.send(Err(error));
                    None
                }
            }
        })
    }
}

impl Child {
    /// [`finish`](Self::finish) as a future. The child is served from the call on, even if the
    /// future is not polled.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish).
    pub fn finish_async(mut self) -> Running<Result<Finished, Error>> {
        self.monitor.capture();
        self.monitor.stdin.finish();
        let mut running = Running::new(false, move |ready, mut reply| match ready {
            Ok(()) => Some(watched(self.monitor, reply)),
            Err(error) => {
                reply.send(Err(no_watcher(self.monitor.command.clone(), error)));
                // Dropping the monitor kills the child.
                None
            }
        });
        running.submit();
        running
    }

    /// Lets the child run on its own, without a time limit and without a handle that kills it.
    ///
    /// While this program runs, captured output is read and discarded, and the child is reaped when
    /// it ends. A child that should outlive the program should write to a
    /// [file](crate::Output::File).
    pub fn detach(mut self) {
        self.monitor.detach();
        let make: MakeTask = Box::new(move |ready| match ready {
            Ok(()) => Some(watched(self.monitor, Reply::none())),
            Err(_) => {
                // Without a watcher the child is never reaped, but killing it would be worse.
                mem::forget(self.monitor);
                None
            }
        });
        let spawns = false;
        watcher::submit(WatchRequest { make, spawns });
    }
}

impl Pipeline {
    /// [`run`](Self::run) as a future.
    pub fn run_async(&self) -> Running<Piped> {
        let pipeline = self.clone();
        Running::lazy(false, move |ready, mut reply| match ready {
            Ok(()) => Some(Box::new(WatchedTask {
                work: pipeline.stages(),
                reply,
                result: Piped::new,
                cancel: Stages::cancel,
            })),
            Err(error) => {
                reply.send(pipeline.refused(&error));
                None
            }
        })
    }
}

impl Many {
    /// [`map`](Self::map) as a future. All commands are collected first; the deadline counts from
    /// the first poll.
    pub fn map_async(
        &self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Running<Vec<Result<Finished, Error>>> {
        let (many, commands) = (self.clone(), commands.into_iter().collect::<Vec<_>>());
        Running::lazy(false, move |ready, mut reply| match ready {
            Ok(()) => Some(Box::new(WatchedTask {
                work: many.batch(commands.into_iter()).without_inline_spawns(),
                reply,
                result: in_order,
                cancel: Batch::cancel,
            })),
            Err(error) => {
                let refused =
                    |command: &Command| Err(no_watcher(command.line(), copy_error(&error)));
                reply.send(commands.iter().map(refused).collect());
                None
            }
        })
    }
}

fn in_order(batch: &mut Batch<std::vec::IntoIter<Command>>) -> Vec<RunResult> {
    let mut results: Vec<_> = batch.drain_completed().collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
