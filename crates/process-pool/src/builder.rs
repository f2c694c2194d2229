use std::borrow::Borrow;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::codec::{self, Descriptors};
use crate::parent::Shared;
use crate::parent::process::Launch;
use crate::worker::Config;
use crate::{Job, ProcessPool, Program};

/// More would not fit the descriptors of any process, and no machine has the processors for them.
const MOST_WORKERS: usize = 1_024;

/// The settings of a pool, to be changed and built.
///
/// ```
/// use std::time::Duration;
/// use effective_process_pool::{ProcessPool, job, register};
///
/// job! {
///     fn warm_up(table: Vec<u32>) { assert!(!table.is_empty()); }
///     fn double(number: u32) -> u32 { 2 * number }
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![warm_up, double];
///     let pool = ProcessPool::builder(&program)
///         .workers(2)
///         .initializer::<warm_up>(vec![1, 2, 3])   // in each worker, before its first job
///         .time_limit(Duration::from_secs(10))     // per job
///         .memory_limit(1 << 30)                   // per worker
///         .recycle_after_jobs(1_000)
///         .capture_stderr()                        // so that a crash can say its last line
///         .build()?;
///     assert_eq!(pool.submit::<double>(21)?.wait()?, 42);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "a pool is made by `build`"]
pub struct Builder {
    program: Program,
    workers: usize,
    name_prefix: String,
    initializer: Option<Initializer>,
    time_limit: Option<Duration>,
    memory_limit: Option<u64>,
    recycle_jobs: Option<u64>,
    recycle_memory: Option<u64>,
    capture_stderr: bool,
}

#[derive(Debug)]
struct Initializer {
    name: &'static str,
    input: Result<(Vec<u8>, Descriptors), String>,
}

impl Builder {
    pub(crate) fn new(program: &Program) -> Self {
        Self {
            program: program.clone(),
            workers: num_cpus::get(),
            name_prefix: "worker".to_owned(),
            initializer: None,
            time_limit: None,
            memory_limit: None,
            recycle_jobs: None,
            recycle_memory: None,
            capture_stderr: false,
        }
    }

    /// How many worker processes the pool has. Unless set: one for each core this process may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The processes are called by this prefix, a dash and their number, of which Linux shows 15 bytes. Unless set:
    /// `worker`.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// A job that each worker does before its first one: load a table, open a connection. Its output is dropped. A worker
    /// whose initializer panics ends, and a pool whose workers all do is [`Broken`](crate::Broken).
    pub fn initializer<J: Job>(mut self, input: impl Borrow<J::Input>) -> Self {
        let mut bytes = Vec::new();
        let input =
            codec::encode(input.borrow(), &mut bytes).map(|descriptors| (bytes, descriptors));
        self.initializer = Some(Initializer {
            name: J::NAME,
            input,
        });
        self
    }

    /// How long a job may run. One that runs for longer ends as [`JobError::TimedOut`](crate::JobError::TimedOut), and its
    /// worker is killed with all that the job started in the worker's process group. Waiting in the queue does not count.
    /// Unless set, or set by [`Submission`](crate::Submission): for ever.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// How many bytes of private memory a worker may have (`RLIMIT_DATA`: heap, stacks of threads, private mappings). What
    /// asks for more is refused, which ends most programs, and the job as [`JobError::OutOfMemory`](crate::JobError::OutOfMemory).
    /// Some megabytes are needed to start at all.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Replaces a worker after so many jobs, at least 1.
    pub fn recycle_after_jobs(mut self, jobs: u64) -> Self {
        self.recycle_jobs = Some(jobs.max(1));
        self
    }

    /// Replaces a worker that has more than so many bytes resident after a job. Looking takes some microseconds a job.
    pub fn recycle_above_memory(mut self, bytes: u64) -> Self {
        self.recycle_memory = Some(bytes);
        self
    }

    /// Has the workers write standard error to a pipe, from where the pool passes it on to its own standard error. A
    /// [`Crash`](crate::Crash) then knows the last line. Unless set, the workers have the standard error of this process.
    pub fn capture_stderr(mut self) -> Self {
        self.capture_stderr = true;
        self
    }

    /// Makes the pool and starts its workers. It does not wait until they are ready.
    ///
    /// # Errors
    /// [`BuildError`] if the settings make no pool, or if the system refuses what it needs. The workers that did start
    /// have ended when this returns.
    pub fn build(self) -> Result<ProcessPool, BuildError> {
        if self.workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if self.workers > MOST_WORKERS {
            return Err(BuildError::TooManyWorkers(self.workers));
        }
        if self.name_prefix.contains('\0') {
            return Err(BuildError::NulInName);
        }
        let (mut initializer, mut descriptors) = (None, Vec::new());
        if let Some(Initializer { name, input }) = self.initializer {
            let job = self
                .program
                .find(name)
                .ok_or(BuildError::UnregisteredInitializer(name))?;
            let (bytes, along) = input.map_err(BuildError::InitializerInput)?;
            initializer = Some((job, bytes));
            descriptors = along;
        }
        let launch = Launch {
            config: Config {
                name: String::new(),
                fingerprint: Program::fingerprint(self.program.jobs),
                memory_limit: self.memory_limit,
                recycle_jobs: self.recycle_jobs,
                recycle_memory: self.recycle_memory,
                initializer,
                spin: num_cpus::get() > 1,
            },
            program: self.program.clone(),
            descriptors,
            capture_stderr: self.capture_stderr,
            name_prefix: self.name_prefix,
        };
        let (shared, supervisor) = Shared::start(launch, self.workers)?;
        Ok(ProcessPool::new_with(
            shared,
            supervisor,
            self.program,
            self.workers,
            self.time_limit,
        ))
    }
}

/// Why there is no pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of 0 workers would never do anything.
    NoWorkers,
    /// More workers than the pool can have.
    TooManyWorkers(usize),
    /// The prefix of the names contains a NUL byte.
    NulInName,
    /// The initializer is not among the jobs that the program registered.
    UnregisteredInitializer(&'static str),
    /// The input of the initializer cannot be encoded; why.
    InitializerInput(String),
    /// The system refused a process, a descriptor, memory or a thread.
    System(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("a pool needs at least one worker"),
            Self::TooManyWorkers(workers) => {
                write!(
                    f,
                    "{workers} workers are more than the {MOST_WORKERS} that a pool can have"
                )
            }
            Self::NulInName => f.write_str("the names of the workers must not contain a NUL byte"),
            Self::UnregisteredInitializer(name) => {
                write!(
                    f,
                    "the initializer {name} is not registered: add it to `process_pool::register!`"
                )
            }
            Self::InitializerInput(why) => {
                write!(f, "the input of the initializer cannot be encoded: {why}")
            }
            Self::System(error) => write!(f, "the system refused what a worker needs: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
