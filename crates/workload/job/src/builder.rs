//! A job: its inputs, its function, and its settings.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use workload::job::About;
use workload::task::Output;

use super::calling::AsyncCall;
use super::loaded::Registered;
use super::outcome::Outcome;
use super::program;
use super::value::Value;

/// The number of tasks, unless the job or the user says otherwise.
const TASKS: usize = 100;

pub(crate) type Inputs<I> = Box<dyn Fn(usize, u64) -> Box<dyn Iterator<Item = I>> + Send + Sync>;

/// The function; the flag says whether its output is hashed.
pub(crate) type Run<I> = Box<dyn Fn(&I, bool) -> Output + Send + Sync>;

pub(crate) type RunAsync<I> = Arc<
    dyn for<'a> Fn(&'a I, bool) -> Pin<Box<dyn Future<Output = Output> + Send + 'a>> + Send + Sync,
>;

/// A job of your own, to be compared under every model.
#[must_use = "end it with `.main()`"]
pub struct Job<I> {
    inputs: Inputs<I>,
    run: Run<I>,
    run_async: Option<RunAsync<I>>,
    tasks: usize,
    repeatable: bool,
}

impl<I: Value + Send + Sync + 'static> Job<I> {
    /// A job whose tasks call `run`, each with one of the `inputs`.
    ///
    /// `inputs` is called with the number of tasks and a seed, and returns one input per task.
    /// Every process of the comparison calls it again, so equal arguments must give equal inputs.
    pub fn new<L, R>(
        inputs: impl Fn(usize, u64) -> L + Send + Sync + 'static,
        run: impl Fn(&I) -> R + Send + Sync + 'static,
    ) -> Job<I>
    where
        L: IntoIterator<Item = I>,
        L::IntoIter: 'static,
        R: Outcome,
    {
        Job {
            inputs: Box::new(move |tasks, seed| Box::new(inputs(tasks, seed).into_iter())),
            run: Box::new(move |input, hashed| run(input).into_output(hashed)),
            run_async: None,
            tasks: TASKS,
            repeatable: true,
        }
    }

    /// The same function as a future on tokio, with the same output. The models on tokio await it
    /// instead of running `run` on a pool for blocking work.
    pub fn run_async<R, F>(mut self, run_async: F) -> Job<I>
    where
        R: Outcome + 'static,
        F: for<'a> AsyncCall<'a, I, R> + 'static,
    {
        let run_async = Arc::new(run_async);
        self.run_async = Some(Arc::new(move |input, hashed| {
            let calling = run_async.call(input);
            Box::pin(async move { calling.await.into_output(hashed) })
        }));
        self
    }

    /// The number of tasks of a run unless `--tasks` says otherwise; 100 if left out. Fewer are
    /// compared if all of them would take too long.
    pub fn tasks(mut self, tasks: usize) -> Job<I> {
        self.tasks = tasks;
        self
    }

    /// Declares that one input does not always give the same output. The outputs are then not
    /// compared, and all figures are marked as unverified.
    pub fn unrepeatable(mut self) -> Job<I> {
        self.repeatable = false;
        self
    }

    /// Becomes the runner of the model that the first argument names.
    pub fn main(self) -> ExitCode {
        let about = About {
            tasks: self.tasks,
            repeatable: self.repeatable,
            run_async: self.run_async.is_some(),
        };
        program::main(Registered::new(
            self.inputs,
            self.run,
            self.run_async,
            about,
        ))
    }
}

impl<I> fmt::Debug for Job<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("tasks", &self.tasks)
            .field("repeatable", &self.repeatable)
            .field("run_async", &self.run_async.is_some())
            .finish_non_exhaustive()
    }
}
