use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::{ConfigError, Stop};

/// How to run tasks with one thread each: how many at once, and what the threads are like.
///
/// ```
/// use std::num::NonZeroUsize;
/// use effective_threads::Threads;
///
/// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
///
/// let words = ["borrow", "scope", "join"];
/// let lengths = Threads::new().limit(AT_ONCE).map(&words, |word| word.len());
/// assert_eq!(lengths.into_iter().collect::<Result<Vec<_>, _>>()?, [6, 5, 4]);
/// # Ok::<(), effective_threads::TaskError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Threads {
    pub(crate) limit: Option<NonZeroUsize>,
    name_prefix: Option<String>,
    stack_size: Option<usize>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) stop: Option<Stop>,
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

    /// Have at most as many threads alive at once as there are cores: the limit for tasks that compute. Under a CPU quota
    /// of the process's control group it is the quota, rounded up to whole CPUs.
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
    /// system rounds up what is too little; what it cannot give makes the tasks [`TaskError::Refused`](crate::TaskError::Refused).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Start no task later than `time` after the call began; the last look is on the task's own thread. The tasks which have not started by then are
    /// [`TaskError::NotStarted`](crate::TaskError::NotStarted); those which have are waited for, since they may borrow
    /// from the caller. With [`map_with`](Self::map_with) they see the deadline themselves.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Heed this token: once it is stopped, start no further task. The tasks which have not started by then are
    /// [`TaskError::Stopped`](crate::TaskError::Stopped); those which have are waited for, and may look at the token
    /// themselves. One token may be given to many calls.
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    pub(crate) fn builder(&self, index: usize) -> thread::Builder {
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
