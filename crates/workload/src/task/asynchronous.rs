//! A task as a future, on any runtime that implements [`AsyncIo`].

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::exchange::too_slow;
use super::exec::{Exec, Exited};
use super::failure::{Failure, Output};
use super::fetch::Fetch;
use super::log::{ANSWER, LOOK, Lines, Log, Tail};
use super::progress::{Carried, Progress};
use super::surroundings::{Surroundings, file_path, no_origin};
use crate::inputs::types::{Step, Task};
use crate::job::Calls;

/// Blocking code with the output of a task.
pub type Blocking = Box<dyn FnOnce() -> Output + Send>;

/// The operations of an async runtime that tasks need. This crate depends on no runtime: each async
/// runner implements the trait.
pub trait AsyncIo: Send + Sync {
    /// Waits without blocking the thread.
    fn wait(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Connects, sends the request, and reads until the server closes the connection, or up to
    /// [`response_limit`](super::response_limit) of `capacity`. A correct response fits `capacity`,
    /// so that a [`response_buffer`](super::response_buffer) of that size never grows, as in the
    /// blocking tasks. The caller drops the future if it takes too long.
    fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Reads exactly this many bytes from the beginning of a file.
    fn read(&self, path: &Path, bytes: usize) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Calls [`Tail::look`] where it may block.
    fn look(&self, tail: Tail) -> impl Future<Output = io::Result<Tail>> + Send;

    /// Runs a program to its end, or kills it at the timeout.
    fn exec(&self, exec: Exec) -> impl Future<Output = io::Result<Exited>> + Send;

    /// Calls blocking code where it holds up no other task. A panic of it continues here.
    fn block(&self, work: Blocking) -> impl Future<Output = Output> + Send;

    /// Whether tasks are polled inside a tokio runtime with its timers and I/O, so that the future
    /// of a job can be awaited.
    fn is_tokio(&self) -> bool {
        false
    }
}

/// Does all steps of a task, with the same value as [`run_blocking`](super::run_blocking).
///
/// `compute` and `kernel` steps run inside `poll`, and block the other work on the thread.
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

/// [`run_async`]; the lines of its log go to `lines`.
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

/// The place for computation that would block the event loop.
pub trait Offload: Send + Sync {
    /// Does the work there.
    ///
    /// # Errors
    ///
    /// If it was not done: the pool is gone, or the work panicked.
    fn offload(
        &self,
        work: impl FnOnce() -> Carried + Send + 'static,
    ) -> impl Future<Output = Result<Carried, Failure>> + Send;
}

/// As [`run_async`], but every `compute` and `kernel` step goes through `elsewhere`, with its
/// number and the state before it. `start` comes from [`begin`](super::begin); the lines of its log
/// go to `lines`.
///
/// # Errors, panics
///
/// As with [`run_async`], and the failures of `elsewhere`.
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
    // No step runs in place here, so the snapshot is not needed.
    let mut progress = Progress::start(task, 0, &[]);
    progress.resume(start);
    progress.lines = lines;
    for (number, step) in task.steps.iter().enumerate() {
        if matches!(step, Step::Compute { .. } | Step::Kernel(_)) {
            let carried = elsewhere(number, progress.pause()).await?;
            progress.resume(carried);
        } else {
            outside(&mut progress, step, surroundings, io).await?;
        }
    }
    Ok(progress.value)
}

/// Does the `compute` or `kernel` step of this number on the calling thread; any other step changes
/// nothing.
///
/// # Panics
///
/// If a kernel panics, or there is no such step.
pub fn run_in_place(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    number: usize,
    carried: Carried,
) -> Carried {
    let mut progress = Progress::start(task, tasks, snapshot);
    progress.resume(carried);
    progress.step_in_place(&task.steps[number]);
    progress.into_carried()
}

/// Does a step that waits or does I/O.
///
/// Steps that do I/O have large futures, which are boxed: a future has room for the largest of its
/// awaits, and a million tasks that only wait or compute should not pay for a process that they
/// never start.
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
            let request = fetch.request();
            let response = io.exchange(origin, &request, fetch.capacity());
            let response = Box::pin(within(io, fetch.patience(), response))
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
        Step::Job {} => {
            let calls = Arc::clone(surroundings.job.needed()?);
            let output = Box::pin(call(progress.index(), calls, io)).await?;
            progress.called(output);
        }
        Step::Compute { .. } | Step::Kernel(_) => unreachable!("done in place"),
    }
    Ok(())
}

/// Calls the function of a job: its future on tokio if there is one, else as blocking code.
async fn call(index: usize, calls: Arc<dyn Calls>, io: &impl AsyncIo) -> Output {
    if io.is_tokio()
        && let Some(calling) = Arc::clone(&calls).run_async(index)
    {
        return calling.await;
    }
    io.block(Box::new(move || calls.run(index))).await
}

/// The result of an exchange, or an error if it takes longer than `patience`.
async fn within<T>(
    io: &impl AsyncIo,
    patience: Duration,
    exchange: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let (mut exchange, mut timeout) = (pin!(exchange), pin!(io.wait(patience)));
    poll_fn(|context| match exchange.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => {
            let timed_out = timeout.as_mut().poll(context);
            timed_out.map(|()| Err(too_slow(patience)))
        }
    })
    .await
}

/// Requests a log, and follows it to its end.
async fn follow(
    progress: &mut Progress<'_>,
    log: &Log,
    surroundings: &Surroundings,
    io: &impl AsyncIo,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format_args!("tail: {error}"));
    let origin = surroundings.origin.ok_or_else(no_origin)?;
    let request = log.request();
    let answer = within(io, log.patience(), io.exchange(origin, &request, ANSWER));
    let answer = answer.await.map_err(|error| failed(&error))?;
    let tail = log.tail(answer, &surroundings.logs);
    let mut tail = tail.map_err(|error| failed(&error))?;
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

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    /// I/O whose timers have always expired.
    struct Hasty;

    impl AsyncIo for Hasty {
        async fn wait(&self, _: Duration) {}

        async fn exchange(&self, _: SocketAddr, _: &[u8], _: usize) -> io::Result<Vec<u8>> {
            pending().await
        }

        async fn read(&self, _: &Path, _: usize) -> io::Result<Vec<u8>> {
            pending().await
        }

        async fn look(&self, tail: Tail) -> io::Result<Tail> {
            Ok(tail)
        }

        async fn exec(&self, _: Exec) -> io::Result<Exited> {
            pending().await
        }

        async fn block(&self, work: Blocking) -> Output {
            work()
        }
    }

    #[test]
    fn exchange_with_a_silent_server_is_given_up() {
        for step in [
            Step::Fetch {
                bytes: 5,
                delay_ns: 0,
            },
            Step::Tail {
                bytes: 32,
                over_ns: 0,
            },
        ] {
            let task = Task {
                index: 0,
                seed: 1,
                steps: vec![step],
                stages: Vec::new(),
            };
            let surroundings = Surroundings {
                origin: Some(SocketAddr::from(([127, 0, 0, 1], 1))),
                ..Surroundings::default()
            };
            let mut run: Pin<Box<dyn Future<Output = Output>>> =
                Box::pin(run_async(&task, 1, &[], &surroundings, &Hasty));
            let Poll::Ready(output) = run.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            else {
                panic!("it waits for the server alone");
            };
            let error = output.unwrap_err().to_string();
            assert!(error.contains("no whole answer within 20"), "{error}");
        }
    }
}
