//! [`Builder`]: the settings of a pool.

use std::borrow::Borrow;
use std::time::Duration;

use crate::codec::{self, Descriptors};
use crate::error::{BuildError, MAX_WORKERS};
use crate::job::Job;
use crate::parent::launch::Launch;
use crate::parent::supervisor;
use crate::pool::ProcessPool;
use crate::program::Program;
use crate::worker_config::WorkerConfig;

impl ProcessPool {
    /// Creates a pool with this number of workers. Starts them without waiting until they are
    /// ready.
    ///
    /// # Errors
    /// [`BuildError`], as from [`Builder::build`].
    pub fn new(program: &Program, workers: usize) -> Result<Self, BuildError> {
        Self::builder(program).workers(workers).build()
    }

    /// The settings of a pool.
    pub fn builder(program: &Program) -> Builder {
        Builder::new(program)
    }
}

/// The settings of a [`ProcessPool`], finished by [`build`](Self::build).
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
#[must_use = "`build` builds the pool"]
pub struct Builder {
    program: Program,
    workers: usize,
    name_prefix: String,
    initializer: Option<Initializer>,
    time_limit: Option<Duration>,
    memory_limit: Option<u64>,
    recycle_jobs: Option<usize>,
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

    /// Sets the number of worker processes. By default one for each core this process may use.
    ///
    /// ```
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// job! {
    ///     fn double(number: u32) -> u32 { 2 * number }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![double];
    ///     let pool = ProcessPool::builder(&program).workers(2).build()?;
    ///     let doubled: Result<Vec<_>, _> = pool.map::<double>([1, 2, 3]).into_iter().collect();
    ///     assert_eq!(doubled?, [2, 4, 6]);
    ///     Ok(())
    /// }
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the prefix of the workers' process names: the prefix, a dash and the worker's number,
    /// of which Linux shows 15 bytes. By default `worker`.
    ///
    /// ```
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// job! {
    ///     fn name(_input: ()) -> String { std::fs::read_to_string("/proc/self/comm").unwrap() }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![name];
    ///     let pool = ProcessPool::builder(&program).workers(1).name_prefix("parse").build()?;
    ///     assert!(pool.submit::<name>(())?.wait()?.starts_with("parse-"));
    ///     Ok(())
    /// }
    /// ```
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// Runs a job in each worker before its first other job: load a table, open a connection. The
    /// output is dropped. A worker whose initializer panics exits, and a pool whose workers all do
    /// is [`Broken`](crate::Broken).
    ///
    /// ```
    /// use std::sync::OnceLock;
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// static TABLE: OnceLock<Vec<u32>> = OnceLock::new();
    ///
    /// job! {
    ///     fn load(table: Vec<u32>) { TABLE.set(table).unwrap(); }
    ///     fn look_up(index: usize) -> u32 { TABLE.get().unwrap()[index] }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![load, look_up];
    ///     let table = vec![10, 20, 30];
    ///     let builder = ProcessPool::builder(&program).workers(2);
    ///     let pool = builder.initializer::<load>(table).build()?;
    ///     assert_eq!(pool.submit::<look_up>(1)?.wait()?, 20);
    ///     Ok(())
    /// }
    /// ```
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

    /// Limits how long a job may run. A job that exceeds the limit ends as
    /// [`JobError::TimedOut`](crate::JobError::TimedOut), and its worker is killed together with
    /// everything the job started in the worker's process group. Time in the queue does not count.
    /// By default there is no limit; [`Submission`](crate::Submission) can set one for a single
    /// job.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! { fn spin(_input: ()) { loop { std::hint::spin_loop() } } }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![spin];
    ///     let limit = Duration::from_millis(50);
    ///     let pool = ProcessPool::builder(&program).workers(1).time_limit(limit).build()?;
    ///     assert!(matches!(pool.submit::<spin>(())?.wait(), Err(JobError::TimedOut(_))));
    ///     Ok(())
    /// }
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Limits the private memory of a worker (`RLIMIT_DATA`: heap, thread stacks, private
    /// mappings), in bytes. An allocation beyond the limit fails, which aborts most programs, and
    /// the job ends as [`JobError::OutOfMemory`](crate::JobError::OutOfMemory). A worker needs a
    /// few megabytes to start at all.
    ///
    /// ```
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! { fn fill(bytes: usize) -> usize { std::hint::black_box(vec![1_u8; bytes]).len() } }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![fill];
    ///     let pool = ProcessPool::builder(&program).workers(1).memory_limit(256 << 20).build()?;
    ///     let filled = pool.submit::<fill>(1 << 30)?.wait();
    ///     assert!(matches!(filled, Err(JobError::OutOfMemory { .. })));
    ///     assert_eq!(pool.submit::<fill>(1 << 10)?.wait()?, 1 << 10);
    ///     Ok(())
    /// }
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Replaces a worker after it has run `jobs` jobs. With 0, [`build`](Self::build) fails.
    ///
    /// ```
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// job! {
    ///     fn process(_input: ()) -> u32 { std::process::id() }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![process];
    ///     let pool = ProcessPool::builder(&program).workers(1).recycle_after_jobs(1).build()?;
    ///     let first = pool.submit::<process>(())?.wait()?;
    ///     assert_ne!(pool.submit::<process>(())?.wait()?, first);
    ///     Ok(())
    /// }
    /// ```
    pub fn recycle_after_jobs(mut self, jobs: usize) -> Self {
        self.recycle_jobs = Some(jobs);
        self
    }

    /// Replaces a worker if more than `bytes` bytes are resident after a job. The check takes a few
    /// microseconds per job.
    ///
    /// ```
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// job! {
    ///     fn leak(bytes: usize) -> u32 {
    ///         std::mem::forget(std::hint::black_box(vec![1_u8; bytes]));
    ///         std::process::id()
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![leak];
    ///     let builder = ProcessPool::builder(&program).workers(1);
    ///     let pool = builder.recycle_above_memory(64 << 20).build()?;
    ///     let leaked_much = pool.submit::<leak>(128 << 20)?.wait()?;
    ///     assert_ne!(pool.submit::<leak>(0)?.wait()?, leaked_much); // another process
    ///     Ok(())
    /// }
    /// ```
    pub fn recycle_above_memory(mut self, bytes: u64) -> Self {
        self.recycle_memory = Some(bytes);
        self
    }

    /// Connects the workers' standard error to a pipe; the pool forwards it to its own standard
    /// error, and a [`Crash`](crate::Crash) reports the last line. By default workers inherit the
    /// standard error of this process.
    ///
    /// ```
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! {
    ///     fn fail(_input: ()) {
    ///         eprintln!("no licence file");
    ///         std::process::exit(3);
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![fail];
    ///     let pool = ProcessPool::builder(&program).workers(1).capture_stderr().build()?;
    ///     let Err(JobError::Crashed(crash)) = pool.submit::<fail>(())?.wait() else { panic!() };
    ///     assert!(crash.to_string().contains("no licence file"));
    ///     Ok(())
    /// }
    /// ```
    pub fn capture_stderr(mut self) -> Self {
        self.capture_stderr = true;
        self
    }

    /// Builds the pool and starts its workers, without waiting until they are ready.
    ///
    /// # Errors
    /// [`BuildError`] if the settings cannot work, or if the system refuses a resource. Workers
    /// that did start have exited when this returns.
    pub fn build(self) -> Result<ProcessPool, BuildError> {
        if self.workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if self.workers > MAX_WORKERS {
            return Err(BuildError::TooManyWorkers(self.workers));
        }
        if self.recycle_jobs == Some(0) {
            return Err(BuildError::RecycleAfterNoJobs);
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
            config: WorkerConfig {
                name: String::new(),
                fingerprint: Program::fingerprint(self.program.jobs),
                memory_limit: self.memory_limit,
                recycle_jobs: self.recycle_jobs.map(|jobs| jobs as u64),
                recycle_memory: self.recycle_memory,
                initializer,
                spin: num_cpus::get() > 1,
            },
            program: self.program.clone(),
            descriptors,
            capture_stderr: self.capture_stderr,
            name_prefix: self.name_prefix,
        };
        let (shared, supervisor) = supervisor::start(launch, self.workers)?;
        Ok(ProcessPool::new_with(
            shared,
            supervisor,
            self.program,
            self.workers,
            self.time_limit,
        ))
    }
}
