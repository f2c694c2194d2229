use std::any::Any;
use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::codec::{Descriptors, decode, encode, not_decoded, not_encoded};
use crate::error::{JobError, drop_contained};
use crate::{Job, worker};

/// What a worker finds as the name of its program (`argv[0]`): nothing that a child of its own would inherit.
pub(crate) const MARK: &str = "process-pool-worker";

/// A job that can be called by its name. Made by [`register!`](crate::register!).
#[derive(Clone, Copy)]
pub struct Registered {
    pub(crate) name: &'static str,
    call: fn(&[u8], Descriptors, &mut Vec<u8>) -> Called,
}

/// The descriptors of the output, or what went wrong.
type Called = Result<Descriptors, CallError>;

/// What can go wrong with a call.
pub(crate) enum CallError {
    Panicked(String),
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

    /// Decodes, runs, encodes. A panic anywhere in it is contained.
    pub(crate) fn call(
        &self,
        input: &[u8],
        descriptors: Descriptors,
        output: &mut Vec<u8>,
    ) -> Called {
        let length = output.len();
        catch_unwind(AssertUnwindSafe(|| (self.call)(input, descriptors, output))).unwrap_or_else(
            |payload| {
                output.truncate(length);
                Err(CallError::Panicked(message(payload)))
            },
        )
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

/// What a panic said.
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    let message = match payload.downcast_ref::<&'static str>() {
        Some(text) => (*text).to_owned(),
        None => match payload.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => "the payload of the panic is not a string".to_owned(),
        },
    };
    drop_contained(payload);
    message
}

/// This program, as its own workers see it: the jobs that they can be asked for, and how they are started.
///
/// Made by [`register!`](crate::register!), and cheap to clone.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) jobs: &'static [Registered],
    /// Inside libtest: the test that registered.
    pub(crate) test: Option<String>,
}

impl Program {
    /// What [`register!`](crate::register!) calls. In a worker it does not return.
    #[doc(hidden)]
    pub fn enter(jobs: &'static [Registered], here: &str, in_test: bool) -> Self {
        /// A job in a worker may register again, to have a pool of its own.
        static IS_WORKER: AtomicBool = AtomicBool::new(false);
        let mut names = BTreeSet::new();
        for job in jobs {
            assert!(
                names.insert(job.name),
                "two of the jobs that are registered are called {}: give one another name, by hand in `impl Job`",
                job.name
            );
        }
        if env::args_os().next().is_some_and(|name| name == MARK)
            && !IS_WORKER.swap(true, Ordering::Relaxed)
        {
            worker::main(jobs);
        }
        Self {
            jobs,
            test: in_test.then(|| test_name(here)).flatten(),
        }
    }

    /// The names of the jobs, in the order of their registration.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.jobs.iter().map(|job| job.name)
    }

    /// Runs a job in this process: name and input in, output out. What a worker does, and what a server on another
    /// machine would.
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
    /// [`JobError::Unregistered`], [`JobError::Panicked`], [`JobError::Input`] or [`JobError::Output`].
    pub fn call(&self, name: &str, input: &[u8]) -> Result<Vec<u8>, JobError> {
        let Some(job) = self.jobs.iter().find(|job| job.name == name) else {
            return Err(JobError::Unregistered(name.to_owned()));
        };
        let mut output = Vec::new();
        match job.call(input, Vec::new(), &mut output) {
            Ok(descriptors) if descriptors.is_empty() => Ok(output),
            Ok(_) => Err(JobError::Output(not_encoded(
                "a buffer travels between the processes of one machine only",
            ))),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let place = self.jobs.iter().position(|job| job.name == name)?;
        u32::try_from(place).ok()
    }

    /// Equal where the jobs and their order are equal.
    pub(crate) fn fingerprint(jobs: &[Registered]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for job in jobs {
            job.name.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The arguments that lead a new process of this program to its registration.
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

/// libtest names the thread of a test after the test, unless it runs them one after another on the main thread. Then the
/// path of the function that registered says it.
fn test_name(here: &str) -> Option<String> {
    if let Some(name) = thread::current().name()
        && name != "main"
    {
        return Some(name.to_owned());
    }
    let path = here.strip_suffix("::here").unwrap_or(here);
    // An asynchronous test is a closure in the function.
    let path = path.trim_end_matches("::{{closure}}");
    let (_, test) = path.split_once("::")?;
    // The `main` of a test without libtest.
    (test != "main").then(|| test.to_owned())
}

impl From<CallError> for JobError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Panicked(message) => Self::Panicked(message),
            CallError::Input(why) => Self::Input(why),
            CallError::Output(why) => Self::Output(why),
        }
    }
}

/// Registers jobs, and turns this process into a worker if it was started as one. Returns the [`Program`] that a pool is
/// made for.
///
/// **It has to be the first thing that `main` does**, or the first line of a test. A worker is this program, started again;
/// what stands before the registration is done by each worker too, and what stands after it by none.
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
/// If two of the jobs have the same name.
#[macro_export]
macro_rules! register {
    ($($job:ty),* $(,)?) => {{
        fn here() {}
        static JOBS: &[$crate::Registered] = &[$($crate::Registered::of::<$job>()),*];
        $crate::Program::enter(JOBS, ::std::any::type_name_of_val(&here), cfg!(test))
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_its_thread_or_by_its_path() {
        let named = |here: &str| {
            let here = here.to_owned();
            thread::Builder::new()
                .name("main".to_owned())
                .spawn(move || test_name(&here))
                .unwrap()
                .join()
                .unwrap()
        };
        assert_eq!(
            named("tests::faults::one::here").as_deref(),
            Some("faults::one")
        );
        assert_eq!(
            named("tests::one::{{closure}}::here").as_deref(),
            Some("one")
        );
        assert_eq!(named("bench::main::here"), None);
        let other = thread::Builder::new().name("a::b".to_owned());
        let name = other
            .spawn(|| test_name("x::helper::here"))
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(name.as_deref(), Some("a::b"));
    }
}
