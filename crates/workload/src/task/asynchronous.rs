//! A task as a future, on whatever runtime implements [`AsyncIo`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{
    Carried, Exec, Exited, Failure, Fetch, LOOK, Lines, Log, Output, Progress, Surroundings, Tail,
    file_path, log::ANSWER, no_origin,
};
use crate::inputs::{Step, Task};

/// What a task needs of an async runtime. This crate depends on none: each async runner implements it.
pub trait AsyncIo: Send + Sync {
    /// Waits without blocking the thread.
    fn wait(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Connects, sends the request, and reads until the server closes the connection. The response fits
    /// `capacity`, so that a buffer of that size never grows: the blocking tasks know as much.
    fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Reads exactly that many bytes from the beginning of a file.
    fn read(&self, path: &Path, bytes: usize) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Calls [`Tail::look`] where it may block.
    fn look(&self, tail: Tail) -> impl Future<Output = io::Result<Tail>> + Send;

    /// Runs a program to its end, or kills it at the timeout.
    fn exec(&self, exec: Exec) -> impl Future<Output = io::Result<Exited>> + Send;
}

/// Does all steps of a task; the same value as [`run_blocking`](super::run_blocking).
///
/// `compute` and `kernel` steps run inside `poll` and so hold up whatever shares the thread.
///
/// # Errors, panics
///
/// As with [`run_blocking`](super::run_blocking). Dropping the future stops it at its await point.
pub async fn run_async(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    surroundings: &Surroundings,
    io: &impl AsyncIo,
) -> Output {
    async_into(task, tasks, snapshot, surroundings, io, None).await
}

/// The same; what it finds in its log goes to `lines`.
pub(crate) async fn async_into(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    surroundings: &Surroundings,
    io: &impl AsyncIo,
    lines: Option<&dyn Lines>,
) -> Output {
    let mut progress = Progress::start(task, tasks, snapshot);
    progress.lines = lines;
    for step in &task.steps {
        if !progress.step_in_place(step) {
            outside(&mut progress, step, surroundings, io).await?;
        }
    }
    Ok(progress.value)
}

/// Where an async model sends what computes, so that the event loop goes on.
pub trait Offload: Send + Sync {
    /// Does the work somewhere else.
    ///
    /// # Errors
    ///
    /// When it was not done: the pool is gone, or the work panicked.
    fn offload(
        &self,
        work: impl FnOnce() -> Carried + Send + 'static,
    ) -> impl Future<Output = Result<Carried, Failure>> + Send;
}

/// As [`run_async`], but every `compute` and `kernel` step goes through `elsewhere`, with its number and what the steps
/// before it left. `start` is what [`begin`](super::begin) gives; what it finds in its log goes to `lines`.
///
/// # Errors, panics
///
/// As with [`run_async`], and what `elsewhere` fails with.
pub async fn run_offloading<F>(
    task: &Task,
    start: Carried,
    surroundings: &Surroundings,
    lines: Option<&dyn Lines>,
    io: &impl AsyncIo,
    elsewhere: impl Fn(usize, Carried) -> F,
) -> Output
where
    F: Future<Output = Result<Carried, Failure>>,
{
    // Nothing is done in place, so what the task sees of the others plays no part.
    let mut progress = Progress::start(task, 0, &[]);
    progress.take_up(start);
    progress.lines = lines;
    for (number, step) in task.steps.iter().enumerate() {
        if matches!(step, Step::Compute { .. } | Step::Kernel(_)) {
            let carried = elsewhere(number, progress.pause()).await?;
            progress.take_up(carried);
        } else {
            outside(&mut progress, step, surroundings, io).await?;
        }
    }
    Ok(progress.value)
}

/// Does the one `compute` or `kernel` step of that number on the calling thread; any other leaves all as it is.
///
/// # Panics
///
/// Where a kernel panics; if there is no such step.
pub fn run_in_place(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    number: usize,
    carried: Carried,
) -> Carried {
    let mut progress = Progress::start(task, tasks, snapshot);
    progress.take_up(carried);
    progress.step_in_place(&task.steps[number]);
    progress.put_down()
}

/// One step that waits or touches the outside.
///
/// What talks to the outside is large and boxed: a future has room for the largest of its awaits, and a million tasks that
/// only wait or compute should not be charged for a process that they never start.
async fn outside(
    progress: &mut Progress<'_>,
    step: &Step,
    surroundings: &Surroundings,
    io: &impl AsyncIo,
) -> Result<(), Failure> {
    match step {
        Step::Wait { ns } => {
            io.wait(Duration::from_nanos(*ns)).await;
            progress.yielded = None;
        }
        Step::Fetch { bytes, delay_ns } => {
            let origin = surroundings.origin.ok_or_else(no_origin)?;
            let fetch = Fetch {
                bytes: *bytes,
                delay_ns: *delay_ns,
                seed: progress.value,
            };
            let failed =
                |error: &dyn std::fmt::Display| Failure::new(format_args!("fetch: {error}"));
            let response = Box::pin(io.exchange(origin, &fetch.request(), fetch.capacity()))
                .await
                .map_err(|error| failed(&error))?;
            progress.got(fetch.body(response).map_err(|error| failed(&error))?);
        }
        Step::Read { file, bytes } => {
            let path = file_path(surroundings, file);
            let failed = |error: &dyn std::fmt::Display| {
                Failure::new(format_args!("read {}: {error}", path.display()))
            };
            let length = usize::try_from(*bytes).map_err(|error| failed(&error))?;
            progress.got(
                io.read(&path, length)
                    .await
                    .map_err(|error| failed(&error))?,
            );
        }
        Step::Tail { bytes, over_ns } => {
            let log = Log {
                bytes: *bytes,
                over_ns: *over_ns,
                seed: progress.value,
            };
            Box::pin(follow(progress, &log, surroundings, io)).await?;
        }
        Step::Exec {
            command,
            timeout_ns,
        } => {
            let exec = Exec {
                command: command.clone(),
                stdin: progress.stdin(),
                timeout: timeout_ns.map(Duration::from_nanos),
            };
            let exited = Box::pin(io.exec(exec))
                .await
                .map_err(|error| Failure::new(format_args!("exec {}: {error}", command[0])))?;
            progress.exited(exited);
        }
        Step::Compute { .. } | Step::Kernel(_) => unreachable!("done in place"),
    }
    Ok(())
}

/// Has a log begun, and looks at it until its end.
async fn follow(
    progress: &mut Progress<'_>,
    log: &Log,
    surroundings: &Surroundings,
    io: &impl AsyncIo,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format_args!("tail: {error}"));
    let origin = surroundings.origin.ok_or_else(no_origin)?;
    let answer = io.exchange(origin, &log.request(), ANSWER).await;
    let answer = answer.map_err(|error| failed(&error))?;
    let mut tail = log.tail(answer).map_err(|error| failed(&error))?;
    loop {
        tail = io.look(tail).await.map_err(|error| failed(&error))?;
        progress.saw(&tail);
        if tail.ended() {
            break;
        }
        io.wait(LOOK).await;
    }
    progress.got(tail.into_data());
    Ok(())
}
