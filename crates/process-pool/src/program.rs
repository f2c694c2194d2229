//! The jobs of a program, and their registration.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::codec::{Descriptors, decode, encode, not_decoded, not_encoded};
use crate::error::JobError;
use crate::job::Job;
use crate::panic::{TaskPanic, catch};
use crate::transfer::BUFFER_STAYS;

/// The program name (`argv[0]`) that marks a worker. Unlike an environment variable, it is not
/// inherited by a worker's own children.
pub(crate) const WORKER_NAME: &str = "process-pool-worker";

/// A job that can be called by name. Created by [`register!`](crate::register!).
#[derive(Clone, Copy)]
pub struct Registered {
    pub(crate) name: &'static str,
    call: fn(&[u8], Descriptors, &mut Vec<u8>) -> Called,
}

/// The descriptors of the output, or the error.
type Called = Result<Descriptors, CallError>;

/// Why a call failed.
pub(crate) enum CallError {
    Panicked(TaskPanic),
    Input(String),
    Output(String),
}

impl Registered {
    /// The entry of a job.
    pub const fn of<J: Job>() -> Self {
        Self {
            name: J::NAME,
            call: call::<J>,
        }
    }

    /// Decodes the input, runs the job and encodes the output. Catches any panic in these steps.
    pub(crate) fn call(
        &self,
        input: &[u8],
        descriptors: Descriptors,
        output: &mut Vec<u8>,
    ) -> Called {
        let length = output.len();
        catch(|| (self.call)(input, descriptors, output)).unwrap_or_else(|panic| {
            output.truncate(length);
            Err(CallError::Panicked(panic))
        })
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registered").field(&self.name).finish()
    }
}

fn call<J: Job>(input: &[u8], descriptors: Descriptors, output: &mut Vec<u8>) -> Called {
    let input = decode::<J::Input>(input, descriptors)
        .map_err(|why| CallError::Input(not_decoded(&why)))?;
    let value = J::run(input);
    encode(&value, output).map_err(|why| CallError::Output(not_encoded(&why)))
}

/// This program as its workers see it: the jobs they can run, and how to start them.
///
/// Created by [`register!`](crate::register!); cheap to clone.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) jobs: &'static [Registered],
    /// Under libtest, the test that registered.
    pub(crate) test: Option<String>,
}

impl Program {
    /// The names of the jobs, in registration order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.jobs.iter().map(|job| job.name)
    }

    /// Runs a job in this process, by name, with input and output as bytes: for a server on another
    /// machine.
    ///
    /// ```
    /// use effective_process_pool::{Program, job, register, wire};
    ///
    /// job! { fn double(number: u32) -> u32 { 2 * number } }
    ///
    /// let program = register![double];
    /// let output = program.call(wire::name::<double>(), &wire::input::<double>(&21)?)?;
    /// assert_eq!(wire::output::<double>(&output)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JobError::Unregistered`], [`JobError::Panicked`], [`JobError::Input`] or
    /// [`JobError::Output`].
    pub fn call(&self, name: &str, input: &[u8]) -> Result<Vec<u8>, JobError> {
        let Some(job) = self.jobs.iter().find(|job| job.name == name) else {
            return Err(JobError::Unregistered(name.to_owned()));
        };
        let mut output = Vec::new();
        match job.call(input, Vec::new(), &mut output) {
            Ok(descriptors) if descriptors.is_empty() => Ok(output),
            Ok(_) => Err(JobError::Output(not_encoded(BUFFER_STAYS))),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let index = self.jobs.iter().position(|job| job.name == name)?;
        u32::try_from(index).ok()
    }

    /// A hash of the job names in their order.
    pub(crate) fn fingerprint(jobs: &[Registered]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for job in jobs {
            job.name.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The arguments with which a new process of this program reaches its registration.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        match &self.test {
            None => Vec::new(),
            Some(test) => vec![
                test,
                "--exact",
                "--nocapture",
                "--include-ignored",
                "--test-threads=1",
            ],
        }
    }
}

impl From<CallError> for JobError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Panicked(panic) => Self::Panicked(panic),
            CallError::Input(why) => Self::Input(why),
            CallError::Output(why) => Self::Output(why),
        }
    }
}

/// Registers jobs, and turns this process into a worker if it was started as one. Returns the
/// [`Program`] for which pools are built.
///
/// **Call it first in `main`**, or in the first line of a test. A worker is this program, started
/// again: it repeats everything before the registration, and runs nothing after it.
///
/// ```
/// use effective_process_pool::{ProcessPool, job, register};
///
/// job! { fn double(number: u32) -> u32 { 2 * number } }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![double];
///     let pool = ProcessPool::new(&program, 2)?;
///     assert_eq!(pool.submit::<double>(21)?.wait()?, 42);
///     Ok(())
/// }
/// ```
///
/// # Panics
/// If two jobs have the same name.
#[macro_export]
macro_rules! register {
    ($($job:ty),* $(,)?) => {{
        fn here() {}
        static JOBS: &[$crate::Registered] = &[$($crate::Registered::of::<$job>()),*];
        $crate::Program::enter(JOBS, ::std::any::type_name_of_val(&here), cfg!(test))
    }};
}
