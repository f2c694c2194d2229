use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::crew::{Crew, Ending};
use crate::task_panic::drop_contained;
use crate::{ConfigError, TaskError};

/// How to run tasks with one thread each: how many at once, and what the threads are like.
///
/// ```
/// use std::num::NonZeroUsize;
/// use threads::Threads;
///
/// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
///
/// let words = ["borrow", "scope", "join"];
/// let lengths = Threads::new().limit(AT_ONCE).map(&words, |word| word.len());
/// assert_eq!(lengths.into_iter().collect::<Result<Vec<_>, _>>()?, [6, 5, 4]);
/// # Ok::<(), threads::TaskError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Threads {
    limit: Option<NonZeroUsize>,
    name_prefix: Option<String>,
    stack_size: Option<usize>,
    deadline: Option<Duration>,
}

impl Threads {
    /// One thread per task, all at once, up to [`max_live_threads`](crate::max_live_threads).
    pub fn new() -> Self {
        Self::default()
    }

    /// Have at most `limit` of the call's threads alive at once. Each task still gets a thread of its own, which is joined
    /// before the next one starts in its place.
    ///
    /// A limit above [`max_live_threads`](crate::max_live_threads) counts as that.
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Have at most as many threads alive at once as there are cores: the limit for tasks that compute.
    pub fn limit_to_cores(mut self) -> Self {
        self.limit = NonZeroUsize::new(num_cpus::get());
        self
    }

    /// Name the threads `prefix-0`, `prefix-1`, … by the index of their task. Linux shows the first 15 bytes to other
    /// programs. Without a prefix the threads have no names.
    ///
    /// # Errors
    /// [`ConfigError::NulInName`] when the prefix contains a NUL byte.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        let prefix = prefix.into();
        if prefix.contains('\0') {
            return Err(ConfigError::NulInName);
        }
        self.name_prefix = Some(prefix);
        Ok(self)
    }

    /// Give each thread a stack of `bytes`, instead of std's default (2 MiB, or the variable `RUST_MIN_STACK`). The
    /// system rounds up what is too little; what it cannot give makes the tasks [`TaskError::Refused`].
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Start no task later than `time` after the call began. The tasks which have not started by then are
    /// [`TaskError::NotStarted`]; those which have are waited for, since they may borrow from the caller.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Run `f` on each input in a thread of its own and return the results in the order of the inputs, one for each.
    ///
    /// Inputs, `f` and results may borrow from the caller. All inputs are taken before the first thread starts. The
    /// call returns when the last of its threads has been joined; no thread outlives it.
    ///
    /// When the system refuses a thread, or [`max_live_threads`](crate::max_live_threads) are alive, the call waits for
    /// one of its own to end and tries again.
    ///
    /// # Errors
    /// Each result by itself: [`TaskError::Panicked`] when the task panicked, [`TaskError::NotStarted`] after the
    /// deadline, [`TaskError::Refused`] when no thread could be had although the call had none running.
    ///
    /// # Panics
    /// When the iterator does, before anything has started.
    pub fn map<I, R, F>(&self, inputs: I, f: F) -> Vec<Result<R, TaskError>>
    where
        I: IntoIterator,
        I::Item: Send,
        R: Send,
        F: Fn(I::Item) -> R + Sync,
    {
        let deadline = self
            .deadline
            .and_then(|time| Instant::now().checked_add(time));
        // A refused spawn drops its closure. The input stays here, so that it can be tried again.
        let inputs: Vec<_> = inputs
            .into_iter()
            .map(|input| Mutex::new(Some(input)))
            .collect();
        let (ended, ends) = mpsc::channel();
        let (f, ended) = (&f, &ended);
        let results = thread::scope(|scope| {
            let mut crew = Crew::new(inputs.len(), self.limit, deadline, ends);
            for (index, input) in inputs.iter().enumerate() {
                crew.admit(|| {
                    self.builder(index).spawn_scoped(scope, move || {
                        let _ending = Ending { index, ended };
                        let input = input.lock().unwrap_or_else(PoisonError::into_inner).take();
                        f(input.expect("a task starts only once"))
                    })
                });
            }
            crew.finish()
        });
        // What did not start is dropped here, one by one: an input that panics then must not take the results with it.
        inputs.into_iter().for_each(drop_contained);
        results
    }

    fn builder(&self, index: usize) -> thread::Builder {
        let mut builder = thread::Builder::new();
        if let Some(prefix) = &self.name_prefix {
            builder = builder.name(format!("{prefix}-{index}"));
        }
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        builder
    }
}

/// Run `f` on each input in a thread of its own, all at once: [`Threads::map`] without a limit.
///
/// ```
/// let squares = threads::map(1..=3, |n| n * n);
/// let squares: Result<Vec<i32>, _> = squares.into_iter().collect();
/// assert_eq!(squares?, [1, 4, 9]);
/// # Ok::<(), threads::TaskError>(())
/// ```
///
/// # Errors
/// Each result by itself, as of [`Threads::map`].
///
/// # Panics
/// When the iterator does, before anything has started.
pub fn map<I, R, F>(inputs: I, f: F) -> Vec<Result<R, TaskError>>
where
    I: IntoIterator,
    I::Item: Send,
    R: Send,
    F: Fn(I::Item) -> R + Sync,
{
    Threads::new().map(inputs, f)
}
