//! Running a plan: inside a call, or in the background.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::process;
use std::thread::{self, JoinHandle, ScopedJoinHandle};

use crate::builder::Pipeline;
use crate::error::PipelineError;
use crate::handle::Handle;
use crate::outputs::Drain;
use crate::plan::Started;
use crate::task_panic::drop_contained;

/// Run it on scoped threads while `f` takes the outputs.
pub(crate) fn scoped<'f, I, O, T, R>(
    pipeline: Pipeline<'f, I, O>,
    inputs: T,
    f: impl FnOnce(&mut Drain<O>) -> R,
) -> Result<R, PipelineError>
where
    I: Send + 'f,
    O: Send + 'f,
    T: Iterator<Item = I> + Send,
{
    let planned = pipeline.plan(inputs)?;
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
            Some(error) => {
                drop_contained(result);
                Err(error)
            }
        }
    })
}

/// A run on scoped threads. Dropping it, also when the taker of the outputs panics, stops the run and joins the threads:
/// the scope alone waits for their closures only, not for the destructors of their thread-locals.
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
        // They contain all panics of the user's code.
        let _ = thread.join();
    }
}

/// Outputs on their way to the caller. If the run fails, or the calling thread unwinds, they are dropped one by one and
/// contained: several that panic in `Drop` would abort the process.
pub(crate) struct Collected<O>(pub(crate) Vec<O>);

impl<O> Collected<O> {
    pub(crate) fn into_inner(mut self) -> Vec<O> {
        mem::take(&mut self.0)
    }
}

impl<O> Drop for Collected<O> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(drop_contained);
    }
}

/// Run it on threads of its own.
pub(crate) fn spawned<I, O, T>(
    pipeline: Pipeline<'static, I, O>,
    inputs: T,
) -> Result<Running<O>, PipelineError>
where
    I: Send + 'static,
    O: Send + 'static,
    T: Iterator<Item = I> + Send + 'static,
{
    let handle = pipeline.handle();
    match pipeline.plan(inputs)?.start(thread::Builder::spawn) {
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
        // A stage may own the outputs of the pipeline that it is part of. It ends by itself.
        if thread.thread().id() != me {
            // They contain all panics of the user's code.
            let _ = thread.join();
        }
    }
}

/// The outputs of a pipeline that runs in the background, an iterator that waits for each: see
/// [`Pipeline::spawn`](crate::Pipeline::spawn).
///
/// Dropping it ends the run and returns when all its threads have been joined. So it waits for the items in work, and for
/// the iterator of the inputs if that is blocked.
pub struct Running<O> {
    /// Gone while it is dropped.
    drain: Option<Drain<O>>,
    threads: Vec<JoinHandle<()>>,
    /// The process that they belong to.
    process: u32,
    handle: Handle,
}

impl<O> Running<O> {
    /// A hold on the run, for other threads.
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
            // A child that was forked: the threads are not here, and a lock that one of them held stays locked.
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
