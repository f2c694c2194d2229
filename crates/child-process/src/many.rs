//! Many children at once, watched by one thread.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use rustix::event::PollFd;
use rustix::io::Errno;

use crate::child::result;
use crate::command::Command;
use crate::drive::{self, Drive, Flags, Turns, after};
use crate::job::Job;
use crate::start::start;
use crate::tree::Census;
use crate::{Error, Finished};

/// How to run a list of commands: how many at once, and for how long in all.
///
/// One thread starts, feeds, reads and ends them all: the one that calls.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// use child_process::{Command, Many};
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
/// # Ok::<(), child_process::Error>(())
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
    /// As many children at once as there are cores, for as long as they take.
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
    /// use child_process::{Command, Many};
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
        Crew {
            commands,
            next: 0,
            waiting: None,
            exhausted: false,
            limit: self.limit.get(),
            deadline: self.deadline.and_then(after),
            running: Vec::new(),
            done: VecDeque::new(),
        }
    }
}

/// Results as they come: [`Many::as_completed`].
#[derive(Debug)]
pub struct AsCompleted<I: Iterator<Item = Command>> {
    crew: Crew<I>,
    turns: Turns,
}

impl<I: Iterator<Item = Command>> Iterator for AsCompleted<I> {
    type Item = (usize, Result<Finished, Error>);

    /// Waits for the next child that is over.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.crew.fill();
            if let Some(done) = self.crew.done.pop_front() {
                return Some(done);
            }
            if self.crew.over() {
                return None;
            }
            self.turns.turn(&mut self.crew, None);
        }
    }
}

/// The children that run now, and those that are still to be started.
#[derive(Debug)]
pub(crate) struct Crew<I: Iterator<Item = Command>> {
    commands: I,
    /// The index of the next command.
    next: usize,
    /// One that the system refused to start.
    waiting: Option<(usize, Command)>,
    exhausted: bool,
    limit: usize,
    deadline: Option<Instant>,
    running: Vec<(usize, Job)>,
    done: VecDeque<(usize, Result<Finished, Error>)>,
}

impl<I: Iterator<Item = Command>> Crew<I> {
    /// Results that were not handed out yet.
    pub(crate) fn done(&mut self) -> impl Iterator<Item = (usize, Result<Finished, Error>)> + '_ {
        self.done.drain(..)
    }

    /// Starts as many as there is room for, or until one cannot be started.
    fn fill(&mut self) {
        while self.running.len() < self.limit {
            let Some((index, command)) = self.take() else {
                return;
            };
            if self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                let command = command.line();
                self.done
                    .push_back((index, Err(Error::NotStarted { command })));
                // One at a time: the list may be endless.
                return;
            }
            match start(&command) {
                Ok(mut job) => {
                    if let Some(deadline) = self.deadline {
                        job.end_by(deadline);
                    }
                    self.running.push((index, job));
                }
                Err(error) if refused(&error) && !self.running.is_empty() => {
                    self.waiting = Some((index, command));
                    return;
                }
                Err(error) => {
                    self.done.push_back((index, Err(error)));
                    return;
                }
            }
        }
    }

    fn take(&mut self) -> Option<(usize, Command)> {
        if let Some(waiting) = self.waiting.take() {
            return Some(waiting);
        }
        if self.exhausted {
            return None;
        }
        // Asked once more after its end, an iterator may begin anew.
        let Some(command) = self.commands.next() else {
            self.exhausted = true;
            return None;
        };
        let index = self.next;
        self.next += 1;
        Some((index, command))
    }

    /// Has all that run ended at once, and starts no more.
    pub(crate) fn end(&mut self) {
        self.exhausted = true;
        self.waiting = None;
        for (_, job) in &mut self.running {
            job.end(Duration::ZERO);
        }
    }

    fn collect(&mut self) {
        let mut place = 0;
        while place < self.running.len() {
            if self.running[place].1.over() {
                let (index, mut job) = self.running.swap_remove(place);
                self.done.push_back((index, result(&mut job)));
            } else {
                place += 1;
            }
        }
    }
}

/// The system has no room for it now, and may have later.
fn refused(error: &Error) -> bool {
    let Error::Start { error, .. } = error else {
        return false;
    };
    let refusals = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    error
        .raw_os_error()
        .is_some_and(|raw| refusals.contains(&Errno::from_raw_os_error(raw)))
}

impl<I: Iterator<Item = Command>> Drive for Crew<I> {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        for (_, job) in &self.running {
            job.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let jobs = self.running.iter().filter_map(|(_, job)| job.wake_at());
        // Something can be started at once.
        let room = self.running.len() < self.limit && !self.exhausted && self.waiting.is_none();
        jobs.chain(room.then(Instant::now)).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        for (_, job) in &mut self.running {
            job.advance(now, flags, census);
        }
        self.collect();
        self.fill();
    }

    fn over(&self) -> bool {
        self.running.is_empty() && self.exhausted && self.waiting.is_none()
    }
}

/// All of them at once, and not one after the other.
impl<I: Iterator<Item = Command>> Drop for Crew<I> {
    fn drop(&mut self) {
        self.end();
        drive::until_over(self);
    }
}
