//! Running a list of commands from one thread.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::batch::{Batch, Completed};
use crate::command::Command;
use crate::error::{Error, TimedOut};
use crate::event_loop::{Drive as _, EventLoop, after};
use crate::finished::Finished;

/// How to run a list of commands: the number of children at once and the deadline of the list.
///
/// The calling thread serves all children and starts the first one. Spawning blocks until the child
/// has called `exec`, so spawner threads start the others: usually two, more while spawns are slow.
/// They end with the call. Children therefore start only roughly in the order of their commands.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// use effective_child_process::{Command, Many};
///
/// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
///
/// let results = Many::new()
///     .limit(AT_ONCE)
///     .deadline(Duration::from_secs(10))
///     .map(["red", "green", "blue"].map(|word| Command::new("echo").arg(word)));
/// let words: Result<Vec<_>, _> = results.into_iter().map(|result| result?.check()).collect();
/// let words: Vec<_> = words?.into_iter().map(|finished| finished.stdout).collect();
/// assert_eq!(words, [&b"red\n"[..], b"green\n", b"blue\n"]);
/// # Ok::<(), effective_child_process::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Many {
    limit: NonZeroUsize,
    deadline: Option<Duration>,
}

impl Default for Many {
    fn default() -> Self {
        Self::new()
    }
}

impl Many {
    /// As many children at once as there are cores, or as a CPU quota allows, without a deadline.
    pub fn new() -> Self {
        Self {
            limit: NonZeroUsize::new(num_cpus::get()).unwrap_or(NonZeroUsize::MIN),
            deadline: None,
        }
    }

    /// Limits the number of children that run at once.
    ///
    /// Each child takes up to four descriptors. If the system refuses to start a child, its command
    /// waits until another child has ended.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_child_process::{Command, Many};
    ///
    /// // One after another.
    /// let commands = ["a", "b"].map(|word| Command::new("echo").arg(word));
    /// let results = Many::new().limit(NonZeroUsize::MIN).map(commands);
    /// assert!(results.iter().all(Result::is_ok));
    /// ```
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = limit;
        self
    }

    /// Limits the time for the whole list, counted from the call. At the deadline the running
    /// children are ended with their trees, as by a [time limit](Command::time_limit), and the
    /// other commands fail with [`Error::NotStarted`].
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    /// use effective_child_process::{Command, Error, Many};
    ///
    /// let naps = (0..3).map(|_| Command::new("sleep").arg("600"));
    /// let results = Many::new()
    ///     .limit(NonZeroUsize::MIN)
    ///     .deadline(Duration::from_millis(100))
    ///     .map(naps);
    /// // The first has timed out, and the others were not started.
    /// assert!(matches!(results[2], Err(Error::NotStarted { .. })));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Runs the commands and returns their results in the order of the commands.
    ///
    /// # Errors
    /// Those of [`Command::run`] for each command, and [`Error::NotStarted`].
    ///
    /// # Panics
    /// If the iterator panics; the running children are killed.
    pub fn map(&self, commands: impl IntoIterator<Item = Command>) -> Vec<Result<Finished, Error>> {
        let mut results = Vec::new();
        for (index, result) in self.as_completed(commands) {
            if results.len() <= index {
                results.resize_with(index + 1, || None);
            }
            results[index] = Some(result);
        }
        // Every index has occurred once, so there are no gaps.
        results.into_iter().flatten().collect()
    }

    /// Runs the commands and yields the index and the result of each child as it ends.
    ///
    /// A command is taken from the iterator only when it can be started, so the iterator may be
    /// endless. Children are served while the caller waits in `next`. Dropping the iterator kills
    /// the running children.
    ///
    /// ```
    /// use effective_child_process::{Command, Many};
    ///
    /// let commands = ["0.3", "0"].map(|seconds| Command::new("sleep").arg(seconds));
    /// let order: Vec<usize> = Many::new()
    ///     .limit(const { std::num::NonZeroUsize::new(2).unwrap() })
    ///     .as_completed(commands)
    ///     .map(|(index, _)| index)
    ///     .collect();
    /// assert_eq!(order, [1, 0]);
    /// ```
    pub fn as_completed<I>(&self, commands: I) -> AsCompleted<I::IntoIter>
    where
        I: IntoIterator<Item = Command>,
    {
        AsCompleted {
            batch: self.batch(commands.into_iter()),
            event_loop: EventLoop::default(),
        }
    }

    pub(crate) fn batch<I: Iterator<Item = Command>>(&self, commands: I) -> Batch<I> {
        Batch::new(commands, self.limit, self.deadline.and_then(after))
    }
}

/// An iterator over results in order of completion: [`Many::as_completed`].
#[derive(Debug)]
#[must_use = "no child is started before the first call of `next`"]
pub struct AsCompleted<I: Iterator<Item = Command>> {
    batch: Batch<I>,
    event_loop: EventLoop,
}

impl<I: Iterator<Item = Command>> AsCompleted<I> {
    /// Waits for the next result for at most `timeout`. Returns `None` after the last result.
    ///
    /// The time that this thread needs to spawn a child is not counted.
    ///
    /// # Errors
    /// [`TimedOut`] if no child has ended in time. No result is lost.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Completed>, TimedOut> {
        self.next_until(after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<Completed>, TimedOut> {
        self.batch.fill();
        let found = |batch: &mut Batch<I>| batch.has_completed() || batch.over();
        if self.event_loop.until(&mut self.batch, deadline, found) {
            Ok(self.batch.next_completed())
        } else {
            Err(TimedOut)
        }
    }
}

impl<I: Iterator<Item = Command>> Iterator for AsCompleted<I> {
    type Item = Completed;

    /// Waits until the next child has ended.
    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).ok().flatten()
    }
}
