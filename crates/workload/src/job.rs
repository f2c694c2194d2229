//! The function of a job: a trait object that a program sets once at its start.
//!
//! The step `job` calls it. Unlike a kernel it may fail, panic and wait, so async models hand it to
//! a pool for blocking work, or run its own future where it has one for their runtime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::inputs::types::{Inputs, Step};
use crate::task::failure::{Failure, Output};

/// The properties of a job, as its program reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The number of tasks unless the user says otherwise.
    pub tasks: usize,
    /// Whether the same input gives the same output.
    pub repeatable: bool,
    /// Whether there is also a future, which runs on tokio.
    pub run_async: bool,
}

/// A job: it makes inputs, and has a function that each task calls with one of them.
pub trait Job: Send + Sync {
    /// Its properties.
    fn about(&self) -> About;

    /// Makes the inputs.
    ///
    /// # Errors
    ///
    /// If there are fewer or more inputs than tasks, or making them panicked.
    fn load(&self, tasks: usize, seed: u64) -> Result<Arc<dyn Calls>, Failure>;

    /// Makes the inputs for the task of this index alone, in a process that does one task.
    ///
    /// # Errors
    ///
    /// As with [`load`](Self::load).
    fn load_one(&self, tasks: usize, seed: u64, index: usize) -> Result<Arc<dyn Calls>, Failure>;

    /// Makes the inputs once more in another process, and compares.
    ///
    /// # Errors
    ///
    /// If they differ.
    fn check_inputs(&self, tasks: usize, seed: u64, calls: &dyn Calls) -> Result<(), Failure>;
}

/// The future of a call.
pub type Calling = Pin<Box<dyn Future<Output = Output> + Send>>;

/// The function of a job with its inputs.
pub trait Calls: Send + Sync {
    /// A hash of the input of this task.
    fn input_hash(&self, index: usize) -> u64;

    /// A hash of all inputs.
    fn inputs_hash(&self) -> u64;

    /// How long the inputs took to make.
    fn made_in(&self) -> Duration;

    /// Calls the function with the input of this task.
    ///
    /// # Errors
    ///
    /// That of the function.
    ///
    /// # Panics
    ///
    /// If the function panics.
    fn run(&self, index: usize) -> Output;

    /// The same as a future on tokio, if the job has one.
    fn run_async(self: Arc<Self>, index: usize) -> Option<Calling>;
}

static JOB: OnceLock<Box<dyn Job>> = OnceLock::new();

/// Sets the job of this program. The first call wins.
pub fn set(job: Box<dyn Job>) {
    let _ = JOB.set(job);
}

/// The properties of this program's job, if it has one.
pub fn about() -> Option<About> {
    JOB.get().map(|job| job.about())
}

/// The job of this program.
///
/// # Errors
///
/// If it has none, as is the case for all runners of the project.
pub fn of_this_program() -> Result<&'static dyn Job, Failure> {
    let job = JOB.get().map(Box::as_ref);
    job.ok_or_else(|| {
        Failure::new("this program has no job: `cargo xtask compare --job DIR` builds one that has")
    })
}

/// Whether an async model has to run the job of this program as blocking code: there is a job, and
/// no future for this runtime.
pub fn blocks(on_tokio: bool) -> bool {
    about().is_some_and(|about| !(about.run_async && on_tokio))
}

/// The inputs of a job, once loaded; nothing where no task calls one.
#[derive(Clone, Default)]
pub struct Loaded(Option<Arc<dyn Calls>>);

impl Loaded {
    /// Loads the inputs of the job if these tasks call it.
    ///
    /// # Errors
    ///
    /// If this program has no job, or its inputs cannot be made.
    pub fn of(inputs: &Inputs) -> Result<Loaded, Failure> {
        if !is_called(inputs) {
            return Ok(Loaded::default());
        }
        let header = &inputs.header;
        let calls = of_this_program()?.load(header.tasks, header.seed)?;
        Ok(Loaded(Some(calls)))
    }

    /// Loads the input of one task.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn of_one(tasks: usize, seed: u64, index: usize) -> Result<Loaded, Failure> {
        let calls = of_this_program()?.load_one(tasks, seed, index)?;
        Ok(Loaded(Some(calls)))
    }

    /// The function with its inputs, if they are loaded.
    pub fn calls(&self) -> Option<&Arc<dyn Calls>> {
        self.0.as_ref()
    }

    pub(crate) fn needed(&self) -> Result<&Arc<dyn Calls>, Failure> {
        self.calls()
            .ok_or_else(|| Failure::new("the inputs of the job are not loaded"))
    }
}

/// Whether a task calls the function of a job.
pub fn is_called(inputs: &Inputs) -> bool {
    let mut steps = inputs.tasks.iter().flat_map(|task| &task.steps);
    steps.any(|step| matches!(step, Step::Job {}))
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "loaded" } else { "none" };
        f.write_str(state)
    }
}

/// Two are equal if they are the same inputs in memory.
impl PartialEq for Loaded {
    fn eq(&self, other: &Loaded) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Loaded {}
