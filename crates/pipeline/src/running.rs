//! The run of a plan: inside a call, or in the background.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::process;
use std::thread::{self, JoinHandle, ScopedJoinHandle};

use crate::error::PipelineError;
use crate::handle::Handle;
use crate::outputs::Drain;
use crate::plan::{Planned, Started};

/// Runs a plan on scoped threads while `f` takes the outputs.
pub(crate) fn scoped<O: Send, R>(
    planned: Planned<'_, O>,
    f: impl FnOnce(&mut Drain<O>) -> R,
) -> Result<R, PipelineError> {
    thread::scope(|scope| {
        let mut run = match planned.start(|builder, work| builder.spawn_scoped(scope, work)) {
            Ok(Started { drain, threads }) => Scoped { drain, threads },
            Err((error, threads)) => {
                join_scoped(threads);
                return Err(error);
            }
        };
        let result = f(&mut run.drain);
        let error = run.drain.error();
        drop(run);
        match error {
            None => Ok(result),
            Some(error) => Err(error),
        }
    })
}

/// A run on scoped threads. Dropping it, also when the consumer panics, stops the run and joins the
/// threads: the scope alone waits only for their closures, not for the destructors of their
/// thread-locals.
struct Scoped<'scope, O> {
    drain: Drain<O>,
    threads: Vec<ScopedJoinHandle<'scope, ()>>,
}

impl<O> Drop for Scoped<'_, O> {
    fn drop(&mut self) {
        self.drain.stop();
        join_scoped(mem::take(&mut self.threads));
    }
}

fn join_scoped(threads: Vec<ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        // The threads catch all panics of stages.
        let _ = thread.join();
    }
}

/// Runs a plan on threads of its own.
pub(crate) fn spawned<O: Send + 'static>(
    planned: Planned<'static, O>,
    handle: Handle,
) -> Result<Running<O>, PipelineError> {
    match planned.start(thread::Builder::spawn) {
        Ok(Started { drain, threads }) => Ok(Running {
            drain: Some(drain),
            threads,
            process: process::id(),
            handle,
        }),
        Err((error, threads)) => {
            join(threads);
            Err(error)
        }
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    let me = thread::current().id();
    for thread in threads {
        // A stage may own the outputs of its own pipeline. Its thread ends by itself.
        if thread.thread().id() != me {
            // The threads catch all panics of stages.
            let _ = thread.join();
        }
    }
}

/// The outputs of a pipeline in the background, an iterator that waits for each: see
/// [`Pipeline::spawn`](crate::Pipeline::spawn).
///
/// Dropping it stops the run and returns when all its threads have been joined. So it waits for the
/// items that are being processed, and for the iterator of the inputs if that blocks.
pub struct Running<O> {
    /// Taken by `drop`.
    drain: Option<Drain<O>>,
    threads: Vec<JoinHandle<()>>,
    /// The process that the threads belong to.
    process: u32,
    handle: Handle,
}

impl<O> Running<O> {
    /// A handle to the run, for other threads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl<O> Iterator for Running<O> {
    type Item = Result<O, PipelineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let drain = self.drain.as_mut()?;
        match drain.next() {
            Some(Ok(item)) => Some(Ok(item)),
            Some(Err(error)) => Some(Err(PipelineError::Item(*error))),
            None => drain.error().map(Err),
        }
    }
}

impl<O> FusedIterator for Running<O> {}

impl<O> Drop for Running<O> {
    fn drop(&mut self) {
        let mut drain = self.drain.take();
        if self.process != process::id() {
            // A forked child: it has none of the threads, and a lock that one of them held stays
            // locked.
            mem::forget((drain, mem::take(&mut self.threads)));
            return;
        }
        if let Some(drain) = &mut drain {
            drain.stop();
        }
        join(mem::take(&mut self.threads));
    }
}

impl<O> fmt::Debug for Running<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
