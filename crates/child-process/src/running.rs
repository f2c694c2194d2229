//! Children as futures, on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::child::Child;
use crate::command::Command;
use crate::crew::Crew;
use crate::job::Job;
use crate::many::Many;
use crate::pipeline::{Piped, Pipeline};
use crate::reactor::{self, Order, Slot, Taken, Task, Watched, same};
use crate::stages::Stages;
use crate::start::start;
use crate::{Error, Finished};

/// The future of children that run. It needs no particular runtime: a thread of this crate watches them, one for the whole
/// program, which ends when it has had nothing to do for a second.
///
/// # Cancellation
/// Dropping it before its end kills the children with all they started. The drop itself does not wait for that. Before
/// the first poll nothing has been started, but by [`Child::finish_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct Running<T> {
    state: State<T>,
}

enum State<T> {
    New(Order, Arc<Slot<T>>),
    Watched(Arc<Slot<T>>),
    Over,
}

// Nothing in it is pinned.
impl<T> Unpin for Running<T> {}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::New(..) => "Running(not started)",
            State::Watched(_) => "Running",
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
        match mem::replace(&mut self.state, State::Over) {
            State::Watched(slot) => match slot.take(context.waker()) {
                Taken::Now(result) => Poll::Ready(result),
                Taken::Later => {
                    self.state = State::Watched(slot);
                    Poll::Pending
                }
                Taken::Before => unreachable!("the slot goes with its result"),
            },
            State::New(..) | State::Over => panic!("polled after it was ready"),
        }
    }
}

impl<T> Running<T> {
    /// Something that is made when it is first polled, unless its result is not wanted any more by
    /// then.
    fn lazy(
        starts: bool,
        make: impl FnOnce(io::Result<()>, &Arc<Slot<T>>) -> Option<Box<dyn Task>> + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
    {
        Self::new(starts, |ready, slot| {
            let wanted = !slot.abandoned();
            wanted.then(|| make(ready, slot)).flatten()
        })
    }

    fn new(
        starts: bool,
        make: impl FnOnce(io::Result<()>, &Arc<Slot<T>>) -> Option<Box<dyn Task>> + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
    {
        let slot = Arc::new(Slot::new());
        let to = Arc::clone(&slot);
        let make = Box::new(move |ready| make(ready, &to));
        Self {
            state: State::New(Order { make, starts }, slot),
        }
    }

    fn submit(&mut self) {
        if let State::New(order, slot) = mem::replace(&mut self.state, State::Over) {
            reactor::submit(order);
            self.state = State::Watched(slot);
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let State::Watched(slot) = &self.state {
            slot.abandon();
            reactor::ring();
        }
    }
}

type Outcome = Result<Finished, Error>;

/// There is no thread to watch it, which a command that was not started and a child that was ended have in common.
fn no_thread(command: String, error: io::Error) -> Error {
    Error::Watch { command, error }
}

fn watched(job: Job, slot: &Arc<Slot<Outcome>>) -> Box<dyn Task> {
    Box::new(Watched {
        work: job,
        slot: Arc::clone(slot),
        result: Job::result,
        end: |job| job.end(Duration::ZERO),
    })
}

impl Command {
    /// [`run`](Self::run) as a future.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output { futures::executor::block_on(future) }
    /// let finished = block_on(effective_child_process::Command::new("echo").arg("later").run_async())?;
    /// assert_eq!(finished.stdout, b"later\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub fn run_async(&self) -> Running<Result<Finished, Error>> {
        let command = self.clone();
        Running::lazy(true, move |ready, slot| {
            let started = match ready {
                Ok(()) => start(&command),
                Err(error) => Err(no_thread(command.line(), error)),
            };
            started
                .map(|job| watched(job, slot))
                .map_err(|error| slot.put(Err(error)))
                .ok()
        })
    }
}

impl Child {
    /// [`finish`](Self::finish) as a future. From now on the child is watched, whether or not the future is polled.
    ///
    /// # Errors
    /// As of [`finish`](Self::finish).
    pub fn finish_async(mut self) -> Running<Result<Finished, Error>> {
        self.job.collect();
        self.job.stdin.finish();
        let mut running = Running::new(false, move |ready, slot| match ready {
            Ok(()) => Some(watched(self.job, slot)),
            Err(error) => {
                slot.put(Err(no_thread(self.job.command.clone(), error)));
                // By being dropped it is ended.
                None
            }
        });
        running.submit();
        running
    }

    /// Lets it run on by itself, whatever becomes of this program's interest: no time limit, no end by dropping.
    ///
    /// What it writes to captured output is read and thrown away, and it is reaped when it ends, both as long as this
    /// program lives. A child that is to outlive the program should write to a [file](crate::Output::File).
    pub fn detach(mut self) {
        self.job.let_go();
        let slot = Arc::new(Slot::new());
        let make: reactor::Make = Box::new(move |ready| match ready {
            Ok(()) => Some(watched(self.job, &slot)),
            Err(_) => {
                // Without a thread nobody reaps it; to end it would be worse.
                mem::forget(self.job);
                None
            }
        });
        let starts = false;
        reactor::submit(Order { make, starts });
    }
}

impl Pipeline {
    /// [`run`](Self::run) as a future.
    pub fn run_async(&self) -> Running<Piped> {
        let pipeline = self.clone();
        Running::lazy(false, move |ready, slot| match ready {
            Ok(()) => Some(Box::new(Watched {
                work: pipeline.on_a_shared_thread(),
                slot: Arc::clone(slot),
                result: Piped::of,
                end: Stages::end,
            })),
            Err(error) => {
                slot.put(pipeline.refused(&error));
                None
            }
        })
    }
}

impl Many {
    /// [`map`](Self::map) as a future. The commands are all taken at once; the deadline counts from the first poll.
    pub fn map_async(
        &self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Running<Vec<Result<Finished, Error>>> {
        let (many, commands) = (self.clone(), commands.into_iter().collect::<Vec<_>>());
        Running::lazy(false, move |ready, slot| match ready {
            Ok(()) => Some(Box::new(Watched {
                work: many.crew(commands.into_iter()).on_a_shared_thread(),
                slot: Arc::clone(slot),
                result: in_order,
                end: Crew::end,
            })),
            Err(error) => {
                let refused = |command: &Command| Err(no_thread(command.line(), same(&error)));
                slot.put(commands.iter().map(refused).collect());
                None
            }
        })
    }
}

fn in_order(crew: &mut Crew<std::vec::IntoIter<Command>>) -> Vec<Outcome> {
    let mut results: Vec<_> = crew.done().collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
