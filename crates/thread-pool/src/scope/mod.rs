//! Jobs that borrow from the caller: they have all ended when the scope does.

mod erase;
mod handle;
mod jobs;
mod loans;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

pub use handle::ScopedHandle;

use crate::backlog::Patience;
use crate::map_state::{MapJob, MapState, Seat, Stop};
use crate::panic::take_all;
use crate::task::Progress;
use crate::{JobError, SubmitError, ThreadPool, worker};
use jobs::Jobs;
use loans::{Loan, Loans};

/// Where jobs that borrow are submitted; what [`ThreadPool::scope`] lends to its closure.
///
/// Jobs may hold a reference to it and submit more.
pub struct Scope<'scope, 'env: 'scope> {
    pool: &'scope ThreadPool,
    loans: Arc<Loans>,
    jobs: Arc<Jobs>,
    // Neither lifetime may be shortened or made longer.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl ThreadPool {
    /// Lends out a scope for jobs that borrow, and blocks until all jobs of that scope have ended, whether `f` returns
    /// or panics.
    ///
    /// On a worker of this pool the scope's own pending jobs are run right here at the end, and no others, so that a full
    /// pool does not wait for itself.
    ///
    /// # Errors
    /// - [`JobError::Panicked`] or [`JobError::Initializer`]: the first of the jobs whose handles were dropped that
    ///   panicked, or that could not run. What `f` returned is dropped. A job that was waited for has told its handle.
    /// - [`JobError::WouldDeadlock`] on a worker of this pool, when jobs are run inside jobs as deep as
    ///   [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows: `f` was not called.
    ///
    /// # Panics
    /// With what `f` panics with, once all jobs have ended.
    ///
    /// # Deadlocks
    /// Rings through the end of a scope cannot be relied upon to be broken by an error, since the scope has to wait for all
    /// of its jobs: do not wait, in a job of the scope, for the job that opened the scope.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let text = String::from("to be or not to be");
    /// let mut longest = "";
    /// let words = pool.scope(|scope| {
    ///     // One job borrows `text`, another one changes `longest`.
    ///     let words = scope.submit(|| text.split(' ').count()).expect("the pool is open");
    ///     let _found = scope.submit(|| longest = text.split(' ').max_by_key(|word| word.len()).unwrap_or(""));
    ///     words.wait()
    /// })??;
    /// assert_eq!((words, longest), (6, "not"));
    /// # Ok(()) }
    /// ```
    ///
    /// What is borrowed must be there before the scope:
    /// ```compile_fail,E0373
    /// # let pool = effective_thread_pool::ThreadPool::new(2).unwrap();
    /// pool.scope(|scope| {
    ///     let inside = 1;
    ///     scope.submit(|| inside + 1).is_ok()
    /// });
    /// ```
    /// And what one job changes, no other job sees:
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
        // The soundness of `erase.rs` rests on this: whatever happens below, nothing goes on before all is given back.
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

/// Blocks when dropped until no job borrows any more.
struct Settled(Arc<Loans>);

impl Drop for Settled {
    fn drop(&mut self) {
        self.0.wait();
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Queues a job that may borrow what lives as long as the scope, as [`ThreadPool::submit`].
    ///
    /// # Errors
    /// As [`ThreadPool::submit`].
    pub fn submit<F, R>(&'scope self, job: F) -> Result<ScopedHandle<'scope, R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        self.submit_with(job, self.pool.patience())
    }

    fn submit_with<F, R>(
        &'scope self,
        job: F,
        patience: Patience,
    ) -> Result<ScopedHandle<'scope, R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        let place = match self.pool.admit(patience) {
            Ok(place) => place,
            Err(refusal) => return Err(SubmitError::new(job, refusal)),
        };
        let (erased, packet) = erase::erase(self, job);
        let handle = self.pool.enqueue(place, erased);
        self.jobs.add(handle.outcome().job());
        self.loans.announce();
        Ok(ScopedHandle::new(handle, packet, &self.jobs))
    }

    /// Applies `f` to each input, both of which may borrow, and returns one result per input, in the order of the inputs,
    /// as [`ThreadPool::map`].
    ///
    /// # Errors
    /// Per input, as [`ThreadPool::map`].
    ///
    /// # Panics
    /// Only if the iterator of the inputs does; then nothing has started.
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
        let inputs = take_all(inputs);
        let limit = self.pool.workers().max(1);
        let own_part = self.pool.on_own_worker();
        let helpers = limit.min(inputs.len()) - usize::from(own_part && !inputs.is_empty());
        let shared = self.pool.shared();
        let map = Arc::new(MapState::new(inputs, f, limit, None, Arc::clone(shared)));
        // While this seat is held the map cannot be given up for want of workers.
        let first = Seat::new(&map);
        let mut handles = Vec::with_capacity(helpers);
        while handles.len() < helpers {
            let seat = Seat::new(&map);
            match self.submit_with(move || seat.take_part(), Patience::Never) {
                Ok(handle) => handles.push(handle),
                // What is there does it; without anybody, the inputs are cancelled.
                Err(_) => break,
            }
        }
        worker::with_current(shared.id, |worker| {
            if let Some(worker) = worker
                && worker.inline(|| map.take_part()).is_err()
            {
                map.stop(Stop::WouldDeadlock);
            }
        });
        drop(first);
        let results = loop {
            if let Some(results) = map.wait_until(None) {
                break results;
            }
        };
        for handle in handles {
            // Those that never came are not worth a worker's time. Nothing else is left to go wrong.
            handle.cancel();
        }
        results
    }

    fn lend(&self) -> Loan {
        self.loans.lend()
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
                        // Not too deep: this was looked at when the scope began, on this very stack.
                        let _ran = worker.inline(|| job.run(worker.index()));
                    }
                }
                open.retain(|job| matches!(job.progress(), Progress::Running(_)));
                // A ring is seen by the others from now on. This one cannot give up.
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
