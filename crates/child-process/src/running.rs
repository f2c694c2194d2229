//! Children as futures, on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::child::{Child, result};
use crate::command::Command;
use crate::job::Job;
use crate::many::{Crew, Many};
use crate::pipeline::{Piped, Pipeline, Stages};
use crate::reactor::{self, Slot, Start, Taken, Task, Watched};
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
    New(Start, fn(io::Error) -> T, Arc<Slot<T>>),
    Watched(Arc<Slot<T>>),
    Ready(T),
    Over,
}

// Nothing in it is pinned.
impl<T> Unpin for Running<T> {}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::New(..) => "Running(not started)",
            State::Watched(_) => "Running",
            State::Ready(_) | State::Over => "Running(over)",
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
            State::Ready(result) => Poll::Ready(result),
            State::New(..) | State::Over => panic!("polled after it was ready"),
        }
    }
}

impl<T> Running<T> {
    fn submit(&mut self) {
        let State::New(start, refused, slot) = mem::replace(&mut self.state, State::Over) else {
            return;
        };
        self.state = match reactor::submit(start) {
            Ok(()) => State::Watched(slot),
            Err((error, start)) => {
                // What runs already is ended by being dropped.
                drop(start);
                State::Ready(refused(error))
            }
        };
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

fn no_thread(error: io::Error) -> Error {
    Error::Watch {
        command: "a child".to_owned(),
        error,
    }
}

fn watched(job: Job, slot: Arc<Slot<Outcome>>) -> Box<dyn Task> {
    Box::new(Watched {
        work: job,
        slot,
        result,
        end: |job| job.end(Duration::ZERO),
    })
}

impl Command {
    /// [`run`](Self::run) as a future.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output { futures::executor::block_on(future) }
    /// let finished = block_on(child_process::Command::new("echo").arg("later").run_async())?;
    /// assert_eq!(finished.stdout, b"later\n");
    /// # Ok::<(), child_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub fn run_async(&self) -> Running<Result<Finished, Error>> {
        let command = self.clone();
        let slot = Arc::new(Slot::new());
        let to = Arc::clone(&slot);
        let begin: Start = Box::new(move || match start(&command) {
            Ok(job) => Some(watched(job, to)),
            Err(error) => {
                to.put(Err(error));
                None
            }
        });
        Running {
            state: State::New(begin, |error| Err(no_thread(error)), slot),
        }
    }
}

impl Child {
    /// [`finish`](Self::finish) as a future. From now on the child is watched, whether or not the future is polled.
    ///
    /// # Errors
    /// As of [`finish`](Self::finish).
    pub fn finish_async(self) -> Running<Result<Finished, Error>> {
        let slot = Arc::new(Slot::new());
        let to = Arc::clone(&slot);
        let mut running = Running {
            state: State::New(
                Box::new(move || Some(watched(self.job, to))),
                |error| Err(no_thread(error)),
                slot,
            ),
        };
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
        let begin: Start = Box::new(move || Some(watched(self.job, slot)));
        if let Err((_, begin)) = reactor::submit(begin) {
            // Without a thread nobody reaps it; to end it would be worse.
            mem::forget(begin);
        }
    }
}

impl Pipeline {
    /// [`run`](Self::run) as a future.
    pub fn run_async(&self) -> Running<Piped> {
        let pipeline = self.clone();
        let slot = Arc::new(Slot::new());
        let to = Arc::clone(&slot);
        let begin: Start = Box::new(move || {
            Some(Box::new(Watched {
                work: pipeline.start(),
                slot: to,
                result: Stages::results,
                end: Stages::end,
            }))
        });
        let refused = |error| Piped {
            stages: vec![Err(no_thread(error))],
        };
        Running {
            state: State::New(begin, refused, slot),
        }
    }
}

impl Many {
    /// [`map`](Self::map) as a future. The commands are all taken at once; the deadline counts from the first poll.
    pub fn map_async(
        &self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Running<Vec<Result<Finished, Error>>> {
        let (many, commands) = (self.clone(), commands.into_iter().collect::<Vec<_>>());
        let slot = Arc::new(Slot::new());
        let to = Arc::clone(&slot);
        let begin: Start = Box::new(move || {
            Some(Box::new(Watched {
                work: many.crew(commands.into_iter()),
                slot: to,
                result: in_order,
                end: Crew::end,
            }))
        });
        Running {
            state: State::New(begin, |error| vec![Err(no_thread(error))], slot),
        }
    }
}

fn in_order(crew: &mut Crew<std::vec::IntoIter<Command>>) -> Vec<Outcome> {
    let mut results: Vec<_> = crew.done().collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
