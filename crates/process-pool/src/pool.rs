use std::borrow::Borrow;
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::MemfdFlags;

use crate::buffer;
use crate::codec::{self, Descriptors, not_decoded, not_encoded};
use crate::parent::Shared;
use crate::parent::unit::{Raw, Unit, begin_input, end_input};
use crate::program::message;
use crate::transport::descriptor::memory_file;
use crate::transport::layout::SPILL;
use crate::{
    BuildError, Builder, Handle, Job, JobError, Mapping, Program, StillRunning, SubmitError,
};

/// Worker processes that are reused, each running one job at a time.
///
/// Dropping the pool finishes what was accepted, as [`shutdown`](Self::shutdown) does.
///
/// ```
/// use effective_process_pool::{ProcessPool, job, register};
///
/// job! { fn halve(number: u32) -> Option<u32> { (number % 2 == 0).then_some(number / 2) } }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![halve];
///     let pool = ProcessPool::new(&program, 2)?;
///     let (even, odd) = (pool.submit::<halve>(8)?, pool.submit::<halve>(7)?);
///     assert_eq!((even.wait()?, odd.wait()?), (Some(4), None));
///     Ok(())
/// }
/// ```
pub struct ProcessPool {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    program: Program,
    workers: usize,
    time_limit: Option<Duration>,
    /// The process that the pool belongs to.
    owner: u32,
}

impl ProcessPool {
    /// A pool with that many workers. They are started, and not waited for.
    ///
    /// # Errors
    /// [`BuildError`], as from [`Builder::build`].
    pub fn new(program: &Program, workers: usize) -> Result<Self, BuildError> {
        Self::builder(program).workers(workers).build()
    }

    /// The settings of a pool, to be changed and built.
    pub fn builder(program: &Program) -> Builder {
        Builder::new(program)
    }

    pub(crate) fn new_with(
        shared: Arc<Shared>,
        supervisor: JoinHandle<()>,
        program: Program,
        workers: usize,
        time_limit: Option<Duration>,
    ) -> Self {
        Self {
            shared,
            supervisor: Some(supervisor),
            program,
            workers,
            time_limit,
            owner: std::process::id(),
        }
    }

    /// How many workers the pool has.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// How many accepted units, jobs or chunks of a map, have not been given to a worker yet.
    pub fn queued(&self) -> usize {
        self.shared.with(|state| state.queued())
    }

    /// Hands in a job. The input is encoded here; it may be given by value or by reference.
    ///
    /// This does not wait for a worker. A dropped handle detaches its job, which still runs.
    ///
    /// # Errors
    /// [`SubmitError`]: the job is not registered, its input cannot be encoded, or the pool is closed or broken. Then no
    /// worker has been touched.
    pub fn submit<J: Job>(
        &self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        self.submission().submit::<J>(input)
    }

    /// A submission with settings of its own: a time limit.
    pub fn submission(&self) -> Submission<'_> {
        Submission {
            pool: self,
            limit: self.time_limit,
        }
    }

    /// Hands in a job by its name, with its input as bytes, for its output as bytes: what a server does for another
    /// machine. See [`wire`](crate::wire).
    ///
    /// # Errors
    /// As from [`submit`](Self::submit).
    pub fn submit_bytes(&self, name: &str, input: &[u8]) -> Result<Handle<Vec<u8>>, SubmitError> {
        let job = self
            .program
            .find(name)
            .ok_or_else(|| SubmitError::UnknownName(name.to_owned()))?;
        let mut bytes = Vec::with_capacity(4 + input.len());
        begin_input(&mut bytes);
        bytes.extend_from_slice(input);
        self.send(job, bytes, Vec::new(), self.time_limit, whole)
    }

    /// Runs the job on each input and returns the results in the order of the inputs, one for each.
    ///
    /// Inputs go to the workers in chunks, which become smaller towards the end. A crash harms only the input that caused
    /// it: results that were there are kept, and the rest of the chunk goes to another worker.
    ///
    /// ```
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! {
    ///     fn invert(number: i32) -> i32 {
    ///         if number == 0 { std::process::abort() }
    ///         1_000 / number
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![invert];
    ///     let pool = ProcessPool::new(&program, 2)?;
    ///     let results = pool.map::<invert>(&[10, 0, 4]);
    ///     assert!(matches!(results[0], Ok(100)));
    ///     assert!(matches!(results[1], Err(JobError::Crashed(_))));
    ///     assert!(matches!(results[2], Ok(250)));
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Each result by itself. What [`submit`](Self::submit) would refuse is the error of its input: [`JobError::Input`],
    /// [`JobError::Unregistered`], [`JobError::Broken`].
    pub fn map<J: Job>(
        &self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        self.mapping().run::<J>(inputs)
    }

    /// A `map` with settings: the size of chunks, a time limit.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::new(self, self.time_limit)
    }

    /// Takes no more jobs from now on. What was accepted still runs. This does not wait, and closing twice is fine.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Takes no more jobs, finishes those accepted, and waits until all workers have ended.
    pub fn shutdown(mut self) {
        self.finish();
    }

    /// [`shutdown`](Self::shutdown), but waits for so long at most, and not for callbacks.
    ///
    /// # Errors
    /// [`StillRunning`] when the time ran out: the workers finish what was accepted and end by themselves. Handles stay
    /// good.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.close();
        let result = self.shared.wait_over(Some(timeout));
        let supervisor = self.supervisor.take();
        match result {
            Ok(()) => {
                join(supervisor);
                Ok(())
            }
            // It goes on by itself.
            Err(jobs) => Err(StillRunning { jobs }),
        }
    }

    /// Takes no more jobs, cancels those that have not begun, kills the workers, and waits until they have ended. Returns
    /// how many jobs that ended; their handles say so.
    pub fn shutdown_now(mut self) -> usize {
        self.shared.kill_all();
        self.finish();
        self.shared
            .with(|state| state.ended_at_once.unwrap_or_default())
    }

    fn finish(&mut self) {
        if std::process::id() != self.owner {
            // A copy in a forked process, where the supervisor does not exist and any lock may be held for good.
            std::mem::forget(self.supervisor.take());
            return;
        }
        self.close();
        if join(self.supervisor.take()) {
            self.shared.join_callbacks();
        }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// `bytes` begin with the place for the length.
    fn send<T>(
        &self,
        job: u32,
        bytes: Vec<u8>,
        descriptors: Descriptors,
        limit: Option<Duration>,
        decode: fn(Raw) -> Result<T, JobError>,
    ) -> Result<Handle<T>, SubmitError> {
        let packed = Packed::new(bytes, descriptors)?;
        let key = self.shared.with(|state| {
            if let Some(broken) = &state.broken {
                return Err(SubmitError::Broken(broken.clone()));
            }
            if state.closed {
                return Err(SubmitError::Closed);
            }
            Ok(state.accept_job(|sink| Unit {
                job,
                count: 1,
                bytes: packed.bytes,
                descriptors: packed.descriptors,
                spilled: packed.spilled,
                limit,
                sink,
                returns: 0,
            }))
        })?;
        Ok(Handle::new(Arc::clone(&self.shared), key, decode))
    }
}

/// One input, ready to travel.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Descriptors,
    pub(crate) spilled: Option<usize>,
}

impl Packed {
    /// Sets the length in front of the bytes, and puts a large input into memory of its own.
    pub(crate) fn new(
        mut bytes: Vec<u8>,
        mut descriptors: Descriptors,
    ) -> Result<Self, SubmitError> {
        if !end_input(&mut bytes, 4) {
            return Err(SubmitError::Input(
                "it takes more than 4 GiB: put large data into a `Buffer`".to_owned(),
            ));
        }
        if bytes.len() <= SPILL {
            return Ok(Self {
                bytes,
                descriptors,
                spilled: None,
            });
        }
        let spilled = Some(bytes.len());
        let write = || {
            let file = File::from(memory_file("process-pool-input", MemfdFlags::empty())?);
            file.write_all_at(&bytes, 0)?;
            Ok(OwnedFd::from(file))
        };
        descriptors.insert(0, Arc::new(write().map_err(SubmitError::Memory)?));
        Ok(Self {
            bytes: Vec::new(),
            descriptors,
            spilled,
        })
    }
}

/// Whether the supervisor has ended.
fn join(supervisor: Option<JoinHandle<()>>) -> bool {
    let Some(supervisor) = supervisor else {
        return false;
    };
    // A waker that drops the pool may be run by the supervisor itself, which ends after it.
    supervisor.thread().id() != std::thread::current().id() && supervisor.join().is_ok()
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        if self.supervisor.is_some() {
            self.finish();
        }
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

/// A submission with settings of its own. Made by [`ProcessPool::submission`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a job is handed in by `submit`"]
pub struct Submission<'a> {
    pool: &'a ProcessPool,
    limit: Option<Duration>,
}

impl Submission<'_> {
    /// How long the job may run, whatever the pool's own limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// As [`ProcessPool::submit`], with these settings.
    ///
    /// # Errors
    /// As from [`ProcessPool::submit`].
    pub fn submit<J: Job>(
        self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        let job = self
            .pool
            .program
            .find(J::NAME)
            .ok_or(SubmitError::Unregistered(J::NAME))?;
        let mut bytes = Vec::with_capacity(64);
        begin_input(&mut bytes);
        let descriptors = codec::encode(input.borrow(), &mut bytes).map_err(SubmitError::Input)?;
        self.pool.send(job, bytes, descriptors, self.limit, value)
    }
}

/// Decodes an output. Its `Deserialize` is the user's, and a panic in it is that output's error.
pub(crate) fn value<T: serde::de::DeserializeOwned>(raw: Raw) -> Result<T, JobError> {
    buffer::check_memory(&raw.descriptors)?;
    output(&raw.bytes, raw.descriptors)
}

/// Decodes an output from bytes and descriptors.
pub(crate) fn output<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    descriptors: Descriptors,
) -> Result<T, JobError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| codec::decode(bytes, descriptors)));
    let decoded = decoded
        .unwrap_or_else(|payload| Err(format!("its `Deserialize` panicked: {}", message(payload))));
    decoded.map_err(|why| JobError::Output(not_decoded(&why)))
}

fn whole(raw: Raw) -> Result<Vec<u8>, JobError> {
    if raw.descriptors.is_empty() {
        Ok(raw.bytes)
    } else {
        Err(JobError::Output(not_encoded(
            "a buffer travels between the processes of one machine only",
        )))
    }
}
