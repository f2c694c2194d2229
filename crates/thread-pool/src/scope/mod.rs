//! Scoped jobs, which may borrow from the caller: the scope ends after all of them.

mod erase;
mod handle;
mod jobs;
mod loans;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

pub use handle::ScopedHandle;

use crate::backlog::WhenFull;
use crate::error::{JobError, SubmitError};
use crate::map_state::{AnyMap, Helper, MapState, StopReason};
use crate::pool::ThreadPool;
use crate::task::Progress;
use crate::worker;
use jobs::Jobs;
use loans::Loans;

/// The scope that [`ThreadPool::scope`] passes to its closure, to submit jobs that borrow.
///
/// Jobs may hold a reference to it and submit further jobs.
pub struct Scope<'scope, 'env: 'scope> {
    pool: &'scope ThreadPool,
    loans: Arc<Loans>,
    jobs: Arc<Jobs>,
    // Both lifetimes are invariant.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl ThreadPool {
    /// Calls `f` with a scope for jobs that borrow, and blocks until all jobs of the scope have
    /// ended, whether `f` returns or panics.
    ///
    /// On a worker of this pool, the end of the scope runs its own pending jobs inline, and no
    /// others, so that a full pool does not wait for itself.
    ///
    /// # Errors
    /// - [`JobError::Panicked`] or [`JobError::Initializer`]: the first error of a job whose handle
    ///   was dropped. The return value of `f` is dropped. Jobs that were waited for report to their
    ///   handles instead.
    /// - [`JobError::WouldDeadlock`] on a worker of this pool, if jobs are already nested as deeply
    ///   as [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows: `f` was not
    ///   called.
    ///
    /// # Panics
    /// With the panic of `f`, once all jobs have ended.
    ///
    /// # Deadlocks
    /// A scope must wait for all of its jobs, so an error cannot break every cycle of waits through
    /// its end: a job of the scope must not wait for the job that opened the scope.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let text = String::from("to be or not to be");
    /// let mut longest = "";
    /// let words = pool.scope(|scope| {
    ///     // One job borrows `text`, another one sets `longest`.
    ///     let words = scope.submit(|| text.split(' ').count()).expect("the pool is open");
    ///     let _found = scope.submit(|| {
    ///         longest = text.split(' ').max_by_key(|word| word.len()).unwrap_or("");
    ///     });
    ///     words.wait()
    /// })??;
    /// assert_eq!((words, longest), (6, "not"));
    /// # Ok(()) }
    /// ```
    ///
    /// Borrowed values must outlive the scope:
    /// ```compile_fail,E0373
    /// # let pool = effective_thread_pool::ThreadPool::new(2).unwrap();
    /// pool.scope(|scope| {
    ///     let inside = 1;
    ///     scope.submit(|| inside + 1).is_ok()
    /// });
    /// ```
    /// A value that one job changes cannot be borrowed by another:
    /// ```compile_fail,E0499
    /// # let pool = effective_thread_pool::ThreadPool::new(2).unwrap();
    /// let mut count = 0;
    /// pool.scope(|scope| {
    ///     let _one = scope.submit(|| count += 1);
    ///     let _two = scope.submit(|| count += 1);
    /// });
    /// ```
    pub fn scope<'env, T>(
        &self,
        f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
    ) -> Result<T, JobError> {
        if worker::with_current(self.shared().id, |worker| {
            worker.is_some_and(worker::Worker::is_too_deep)
        }) {
            return Err(JobError::WouldDeadlock);
        }
        let scope = Scope {
            pool: self,
            loans: Arc::default(),
            jobs: Arc::default(),
            scope: PhantomData,
            env: PhantomData,
        };
        // The soundness of `erase.rs` rests on this guard: whatever happens below, this function
        // does not return or unwind before every loan is repaid.
        let settled = Settled(Arc::clone(&scope.loans));
        let returned = catch_unwind(AssertUnwindSafe(|| f(&scope)));
        scope.wait();
        drop(settled);
        match (returned, scope.jobs.first_error()) {
            (Err(payload), _) => resume_unwind(payload),
            (Ok(_), Some(error)) => Err(error),
            (Ok(value), None) => Ok(value),
        }
    }
}

/// A guard that blocks when dropped until no job borrows any more.
struct Settled(Arc<Loans>);

impl Drop for Settled {
    fn drop(&mut self) {
        self.0.wait();
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Queues a job that may borrow values which outlive the scope, as [`ThreadPool::submit`].
    ///
    /// # Errors
    /// As [`ThreadPool::submit`].
    pub fn submit<F, R>(&'scope self, job: F) -> Result<ScopedHandle<'scope, R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        self.submit_with(job, self.pool.when_full())
    }

    fn submit_with<F, R>(
        &'scope self,
        job: F,
        when_full: WhenFull,
    ) -> Result<ScopedHandle<'scope, R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        let permit = match self.pool.admit(when_full) {
            Ok(permit) => permit,
            Err(refusal) => return Err(SubmitError::new(job, refusal)),
        };
        #[allow(unsafe_code, reason = "see `erase.rs`")]
        // SAFETY: `'scope` is the time for which `ThreadPool::scope` lends out its `Scope`, the
        // only place that makes one. That function neither returns nor unwinds before every loan
        // is repaid. The packet goes into a handle whose type still has `'scope`, so the compiler
        // keeps it inside the scope.
        let (erased, packet) = unsafe { erase::erase::<'scope, F, R>(job, self.loans.lend()) };
        let handle = self.pool.enqueue(permit, erased);
        self.jobs.add(handle.task().task_ref());
        self.loans.announce();
        Ok(ScopedHandle::new(handle, packet, &self.jobs))
    }

    /// Applies `f` to each input and returns one result per input, in the order of the inputs, as
    /// [`ThreadPool::map`]. Both `f` and the inputs may borrow.
    ///
    /// # Errors
    /// Per input, as [`ThreadPool::map`].
    ///
    /// # Panics
    /// Only if the iterator of the inputs panics; then nothing has started.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let words = [String::from("one"), String::from("three")];
    /// let lengths = pool.scope(|scope| scope.map(&words, |word| word.len()))?;
    /// assert!(matches!(lengths[..], [Ok(3), Ok(5)]));
    /// # Ok(()) }
    /// ```
    pub fn map<I, F, R>(&'scope self, inputs: I, f: F) -> Vec<Result<R, JobError>>
    where
        I: IntoIterator,
        I::Item: Send + 'scope,
        F: Fn(I::Item) -> R + Send + Sync + 'scope,
        R: Send + 'scope,
    {
        let inputs: Vec<_> = inputs.into_iter().collect();
        let limit = self.pool.workers().max(1);
        let own_part = self.pool.on_own_worker();
        let helpers = limit.min(inputs.len()) - usize::from(own_part && !inputs.is_empty());
        let shared = self.pool.shared();
        let map = Arc::new(MapState::new(inputs, f, limit, None, Arc::clone(shared)));
        // While this helper is held, the map cannot end for lack of workers.
        let first = Helper::new(&map);
        let mut handles = Vec::with_capacity(helpers);
        while handles.len() < helpers {
            let helper = Helper::new(&map);
            match self.submit_with(move || helper.take_part(), WhenFull::Exceed) {
                Ok(handle) => handles.push(handle),
                // The helpers that were queued process the map; without any, the inputs are
                // cancelled.
                Err(_) => break,
            }
        }
        worker::with_current(shared.id, |worker| {
            if let Some(worker) = worker
                && worker.inline(|| map.take_part()).is_err()
            {
                map.stop(StopReason::WouldDeadlock);
            }
        });
        drop(first);
        let results = loop {
            if let Some(results) = map.wait_until(None) {
                break results;
            }
        };
        for handle in handles {
            // Spares the workers the entries of helpers that never came.
            handle.cancel();
        }
        results
    }

    /// Blocks until no job borrows any more.
    fn wait(&self) {
        worker::with_current(self.pool.shared().id, |worker| {
            let Some(worker) = worker else {
                return self.loans.wait();
            };
            loop {
                let announced = self.loans.announced();
                let mut open = self.jobs.open();
                for job in &open {
                    if matches!(job.progress(), Progress::Pending) {
                        // Never too deep: the scope checked the depth when it began, on this stack.
                        let _ran = worker.inline(|| job.run(worker.index()));
                    }
                }
                open.retain(|job| matches!(job.progress(), Progress::Running(_)));
                // From now on other workers see a cycle through this wait. This one cannot give up.
                let _blocked = worker.before_block(&open);
                if self.loans.wait_or_more(announced) {
                    return;
                }
            }
        });
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
