//! [`Threads`], the settings of calls and their threads.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::stop::Stop;

/// The settings of calls that run one thread per task.
///
/// ```
/// use std::num::NonZeroUsize;
/// use effective_threads::Threads;
///
/// const LIMIT: NonZeroUsize = NonZeroUsize::new(2).unwrap();
///
/// let words = ["borrow", "scope", "join"];
/// let lengths = Threads::new().limit(LIMIT).map(&words, |word| word.len());
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

    /// Lets a call have at most `limit` live threads. Each task still gets its own thread, which is
    /// joined before the next one starts in its place.
    ///
    /// [`max_live_threads`](crate::max_live_threads) applies as well.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_threads::Threads;
    ///
    /// // One task after another, each on a thread of its own.
    /// let doubled = Threads::new().limit(NonZeroUsize::MIN).map([1, 2, 3], |n| 2 * n);
    /// assert_eq!(doubled.into_iter().collect::<Result<Vec<_>, _>>()?, [2, 4, 6]);
    /// # Ok::<(), effective_threads::TaskError>(())
    /// ```
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lets a call have at most one live thread per core, the limit for tasks that compute. Under a
    /// CPU quota of the process's control group, the limit is the quota, rounded up to whole CPUs.
    ///
    /// ```
    /// use effective_threads::Threads;
    ///
    /// let add_up = |n: u64| (1..=n).sum::<u64>();
    /// let sums = Threads::new().limit_to_cores().map([1_000, 2_000], add_up);
    /// assert_eq!(sums.into_iter().collect::<Result<Vec<_>, _>>()?, [500_500, 2_001_000]);
    /// # Ok::<(), effective_threads::TaskError>(())
    /// ```
    pub fn limit_to_cores(mut self) -> Self {
        self.limit = NonZeroUsize::new(num_cpus::get());
        self
    }

    /// Names the threads `prefix-0`, `prefix-1`, … by the index of their task. Linux shows the
    /// first 15 bytes to other programs. Without a prefix the threads are unnamed.
    ///
    /// # Panics
    /// If the prefix contains a NUL byte, as [`thread::Builder`] does.
    ///
    /// ```
    /// use std::thread;
    /// use effective_threads::Threads;
    ///
    /// let names = Threads::new()
    ///     .name_prefix("fetch")
    ///     .map(0..2, |_| thread::current().name().map(str::to_owned));
    /// assert_eq!(names[1].as_ref().unwrap().as_deref(), Some("fetch-1"));
    /// ```
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        assert!(
            !prefix.contains('\0'),
            "a thread name cannot contain a NUL byte: remove it from the prefix"
        );
        self.name_prefix = Some(prefix);
        self
    }

    /// Gives each thread a stack of `bytes`, instead of the default of std (2 MiB, or the variable
    /// `RUST_MIN_STACK`). The system rounds up a stack that is too small. If it cannot provide the
    /// stack, the tasks are [`TaskError::Refused`](crate::TaskError::Refused).
    ///
    /// ```
    /// use effective_threads::Threads;
    ///
    /// // More than the usual 2 MiB.
    /// let large = |_| [1_u8; 4 << 20].iter().map(|byte| u32::from(*byte)).sum::<u32>();
    /// let sums = Threads::new().stack_size(16 << 20).map([()], large);
    /// assert!(matches!(sums[0], Ok(4_194_304)));
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Starts no task later than `time` after the start of the call. Tasks that have not started by
    /// then are [`TaskError::TimedOut`](crate::TaskError::TimedOut). Running tasks are waited for,
    /// since they may borrow from the caller; with [`map_with`](Self::map_with) they see the
    /// deadline themselves.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use std::thread;
    /// use std::time::Duration;
    /// use effective_threads::{TaskError, Threads};
    ///
    /// let naps = Threads::new()
    ///     .limit(NonZeroUsize::MIN)
    ///     .deadline(Duration::from_millis(20))
    ///     .map(0..3, |_| thread::sleep(Duration::from_millis(40)));
    /// assert!(matches!(naps[2], Err(TaskError::TimedOut)));
    /// ```
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Starts no further task once `stop` is stopped. Tasks that have not started by then are
    /// [`TaskError::Stopped`](crate::TaskError::Stopped). Running tasks are waited for, and can
    /// check the token themselves. Several calls can share a token.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_threads::{Stop, TaskError, Threads};
    ///
    /// let stop = Stop::new();
    /// let results = Threads::new().limit(NonZeroUsize::MIN).stop(&stop).map(0..3, |n| {
    ///     stop.stop(); // the first task has seen enough
    ///     n
    /// });
    /// assert!(matches!(results[0], Ok(0)));
    /// assert!(matches!(results[1], Err(TaskError::Stopped)));
    /// ```
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
