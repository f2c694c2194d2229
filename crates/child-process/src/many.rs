//! Many children at once, watched by one thread.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::command::Command;
use crate::crew::Crew;
use crate::drive::{Drive as _, Turns, after};
use crate::{Error, Finished, TimeUp};

/// How to run a list of commands: how many at once, and for how long in all.
///
/// The calling thread feeds, reads and ends them all, and starts the first. Starting a child takes until the child has
/// become its program, so the others are started by helper threads, which end with the call: two as a rule, more if a start
/// takes long. So children start in about the order of their commands.
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
    /// As many children at once as there are cores, or as a CPU quota allows, for as long as they take.
    pub fn new() -> Self {
        Self {
            limit: NonZeroUsize::new(num_cpus::get()).unwrap_or(NonZeroUsize::MIN),
            deadline: None,
        }
    }

    /// At most so many children at once.
    ///
    /// Each takes up to four descriptors here. When the system refuses to start one more, that one waits for another to
    /// end.
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = limit;
        self
    }

    /// The time for all of them together, from the call on. Then those that run are ended with their trees, as by a
    /// [timeout](Command::timeout), and the others are [`Error::NotStarted`].
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Runs each command and returns one result for each, in the order of the commands.
    ///
    /// # Errors
    /// Each result by itself: as of [`Command::run`], or [`Error::NotStarted`].
    ///
    /// # Panics
    /// When the iterator does; the children that run are killed then.
    pub fn map(&self, commands: impl IntoIterator<Item = Command>) -> Vec<Result<Finished, Error>> {
        let mut results = Vec::new();
        for (index, result) in self.as_completed(commands) {
            if results.len() <= index {
                results.resize_with(index + 1, || None);
            }
            results[index] = Some(result);
        }
        // Each index came once, so nothing is missing.
        results.into_iter().flatten().collect()
    }

    /// Runs each command and hands out its index and result as soon as it is over.
    ///
    /// Commands are taken from the iterator when there is room to start them, so it may be endless. Children are watched
    /// while the caller waits in `next`; dropping the iterator kills those that run.
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
            crew: self.crew(commands.into_iter()),
            turns: Turns::default(),
        }
    }

    pub(crate) fn crew<I: Iterator<Item = Command>>(&self, commands: I) -> Crew<I> {
        Crew::new(commands, self.limit, self.deadline.and_then(after))
    }
}

/// The index of a command among all, and what became of it.
pub type Completed = (usize, Result<Finished, Error>);

/// Results as they come: [`Many::as_completed`].
#[derive(Debug)]
#[must_use = "nothing is started before the first result is asked for"]
pub struct AsCompleted<I: Iterator<Item = Command>> {
    crew: Crew<I>,
    turns: Turns,
}

impl<I: Iterator<Item = Command>> AsCompleted<I> {
    /// The next result, waiting at most so long; `None` when all have been handed out.
    ///
    /// To start a child takes its time, which is not counted.
    ///
    /// # Errors
    /// [`TimeUp`] when no child was over within that time. Nothing is lost by that.
    pub fn next_timeout(&mut self, time: Duration) -> Result<Option<Completed>, TimeUp> {
        self.next_until(after(time))
    }

    fn next_until(&mut self, time: Option<Instant>) -> Result<Option<Completed>, TimeUp> {
        self.crew.fill();
        let found = |crew: &mut Crew<I>| crew.has_done() || crew.over();
        if self.turns.until(&mut self.crew, time, found) {
            Ok(self.crew.next_done())
        } else {
            Err(TimeUp)
        }
    }
}

impl<I: Iterator<Item = Command>> Iterator for AsCompleted<I> {
    type Item = Completed;

    /// Waits for the next child that is over.
    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).ok().flatten()
    }
}
