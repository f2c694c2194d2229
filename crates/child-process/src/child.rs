//! A child that runs while the caller goes on.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::command::Command;
use crate::drive::{self, Drive as _, after};
use crate::job::Job;
use crate::lines::{Line, Lines, next_line};
use crate::start::{start, start_open};
use crate::{Error, Finished, Signal};

impl Command {
    /// Runs it to its end and returns how it ended, whatever its exit status, and what was captured.
    ///
    /// # Errors
    /// [`Error::Start`] when it cannot be started, [`Error::TimedOut`] when its time is up, [`Error::TooMuchOutput`] when
    /// it wrote more than it may, [`Error::StatusLost`] when something else has reaped it. An exit status other than 0 is none: see [`Finished::check`].
    ///
    /// # Blocking
    /// Until the child has ended and its output is closed; at most the [drain time](Self::drain) longer than the child, and
    /// with a [timeout](Self::timeout) at most that and the [grace time](Self::grace).
    ///
    /// ```
    /// let finished = effective_child_process::Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).run()?;
    /// assert_eq!(finished.status.code(), Some(3));
    /// assert_eq!(finished.stdout, b"out\n");
    /// assert_eq!(finished.stderr, b"err\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn run(&self) -> Result<Finished, Error> {
        let mut job = start(self)?;
        drive::until_over(&mut job);
        job.result()
    }

    /// Runs it to its end and returns its standard output as text, without the line ends at its end: what `$(…)` is in a
    /// shell. What was [cut off](Self::capture_at_most) or came after the [drain time](Self::drain) is missing without a
    /// word: [`run`](Self::run) would tell.
    ///
    /// # Errors
    /// As of [`run`](Self::run); [`Error::Failed`] when it did not exit with 0; [`Error::NotText`].
    ///
    /// ```
    /// assert_eq!(effective_child_process::Command::new("echo").arg("hello").read()?, "hello");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn read(&self) -> Result<String, Error> {
        let finished = self.run()?.check()?;
        let text = finished.stdout_text()?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Runs it to its end and hands each line to `on_line` as soon as it is there. The result has no output but what was
    /// not handed out.
    ///
    /// A panic in `on_line` ends the tree and goes on to the caller.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    ///
    /// ```
    /// let mut seen = Vec::new();
    /// let finished = effective_child_process::Command::new("printf")
    ///     .arg("one\\ntwo\\n")
    ///     .run_lines(|line| seen.push(line.text().into_owned()))?;
    /// assert!(finished.success());
    /// assert_eq!(seen, ["one", "two"]);
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn run_lines(&self, on_line: impl FnMut(Line)) -> Result<Finished, Error> {
        let mut child = Child { job: start(self)? };
        child.lines().for_each(on_line);
        child.finish()
    }

    /// Starts it and returns at once.
    ///
    /// # Errors
    /// [`Error::Start`].
    pub fn spawn(&self) -> Result<Child, Error> {
        let job = start_open(self)?;
        Ok(Child { job })
    }
}

/// A child that was started by [`Command::spawn`].
///
/// Each of its calls that waits also does what the child needs meanwhile: feeds it, reads its output, keeps its time limit.
/// So full pipes cannot block child and caller on each other. While no call waits, nobody does any of this.
///
/// # Dropping
/// The child is killed with all it started and waited for, which takes some milliseconds. [`detach`](Self::detach) is the
/// way out.
///
/// ```
/// use std::time::Duration;
/// use effective_child_process::{Command, Input};
///
/// let mut child = Command::new("tr").args(["a-z", "A-Z"]).stdin(Input::Pipe).spawn()?;
/// child.write("shout\n")?;
/// assert!(child.finish_timeout(Duration::from_millis(10))?.is_none()); // it waits for more
/// child.close_stdin();
/// assert_eq!(child.finish()?.stdout, b"SHOUT\n");
/// # Ok::<(), effective_child_process::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a child is killed when it is dropped"]
pub struct Child {
    pub(crate) job: Job,
}

impl Child {
    /// The number of its process. It may mean another process once this one is over.
    pub fn id(&self) -> u32 {
        self.job.leader().id()
    }

    /// How it ended, if it has, without waiting.
    ///
    /// # Errors
    /// [`Error::StatusLost`] when something else has taken its status.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.wait_timeout(Duration::ZERO)
    }

    /// Waits for the child itself, not for its output to be closed.
    ///
    /// Nobody can write to it meanwhile, so its standard input is closed, as soon as what was written has gone through.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when the time limit of the command is up; [`Error::StatusLost`].
    pub fn wait(&mut self) -> Result<ExitStatus, Error> {
        self.job.stdin.finish();
        let status = self.wait_until(None)?;
        status.ok_or_else(|| self.collected())
    }

    /// Waits so long for the child itself. `None` if it still runs; nothing is lost by that.
    ///
    /// # Errors
    /// As of [`wait`](Self::wait).
    pub fn wait_timeout(&mut self, time: Duration) -> Result<Option<ExitStatus>, Error> {
        self.wait_until(after(time))
    }

    fn wait_until(
        &mut self,
        time: Option<std::time::Instant>,
    ) -> Result<Option<ExitStatus>, Error> {
        let job = &mut self.job;
        job.collect();
        // While its tree is being ended the wait is for the end of that.
        drive::until(job, time, |job| {
            job.over() || (job.exited() && !job.ending())
        });
        if job.ended_by_a_limit() {
            return job.result().map(|finished| Some(finished.status));
        }
        job.status().map_err(|error| job.status_lost(error))
    }

    /// Waits until it is over and returns all that was captured. Its standard input is closed, as by [`wait`](Self::wait).
    ///
    /// # Errors
    /// As of [`Command::run`]; [`Error::Collected`] when the result was handed out before.
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.job.collect();
        self.job.stdin.finish();
        drive::until_over(&mut self.job);
        self.job.result()
    }

    /// Waits so long until it is over. `None` if it is not: its output so far is kept, and a later call goes on from there.
    ///
    /// # Errors
    /// As of [`Command::run`]; [`Error::Collected`] when the result was handed out before.
    pub fn finish_timeout(&mut self, time: Duration) -> Result<Option<Finished>, Error> {
        self.job.collect();
        if drive::until(&mut self.job, after(time), |job| job.over()) {
            self.job.result().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Writes all of it to its standard input, however much that is: its output is read meanwhile.
    ///
    /// # Errors
    /// [`Error::StdinClosed`] when it does not read on or was not started with [`Input::Pipe`](crate::Input::Pipe).
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        self.write_until(bytes.into(), None).map(drop)
    }

    /// The same for at most so long. What has not gone through by then is written by the next call that waits; true if
    /// all has.
    ///
    /// # Errors
    /// As of [`write`](Self::write).
    pub fn write_timeout(
        &mut self,
        bytes: impl Into<Vec<u8>>,
        time: Duration,
    ) -> Result<bool, Error> {
        self.write_until(bytes.into(), after(time))
    }

    fn write_until(
        &mut self,
        bytes: Vec<u8>,
        time: Option<std::time::Instant>,
    ) -> Result<bool, Error> {
        let job = &mut self.job;
        if job.stdin.is_open() {
            job.stdin.push(bytes);
            // Whether somebody reads at all shows only when something is written.
            job.stdin.pump();
        }
        let written = drive::until(job, time, |job| job.stdin.waiting().is_none());
        if job.stdin.is_open() {
            Ok(written)
        } else {
            Err(Error::StdinClosed {
                command: job.command.clone(),
            })
        }
    }

    /// Closes its standard input, once all that was written has gone through.
    pub fn close_stdin(&mut self) {
        self.job.stdin.finish();
    }

    /// Its output line by line, as it comes. The iterator ends when the child is over; then [`finish`](Self::finish) says how
    /// it ended.
    ///
    /// Of what has come at the same time standard output is first: only [merged](crate::Output::Merge) output keeps its
    /// order. Nothing is read while a line is there, so a child that writes faster is held up, and no output piles up.
    /// Standard input stays open: a child that waits for some, while the caller waits for a line, waits for ever but for
    /// [`next_line`](Self::next_line) and the time limit.
    pub fn lines(&mut self) -> Lines<'_> {
        Lines::of(&mut self.job)
    }

    /// The next line, waiting at most so long. `Ok(None)` when there is none yet.
    ///
    /// # Errors
    /// [`Error::Collected`] when it is over and there are no more lines.
    pub fn next_line(&mut self, time: Duration) -> Result<Option<Line>, Error> {
        let line = next_line(&mut self.job, after(time));
        if line.is_none() && self.job.over() {
            return Err(self.collected());
        }
        Ok(line)
    }

    /// Sends a signal to the child alone.
    ///
    /// # Errors
    /// When it is over (`ESRCH`), or has become another user's. To signal one that has ended and was not waited for yet does
    /// nothing, and is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.job.leader().signal(signal.raw())
    }

    /// Sends a signal to the child and all it started, as far as that is to be found.
    pub fn signal_tree(&mut self, signal: Signal) {
        self.job.signal_tree(signal.raw());
    }

    /// Asks the whole tree to end, with `SIGTERM`, and does not wait for that. What is left after the [grace
    /// time](Command::grace) is killed by the call that waits for it then: [`finish`](Self::finish), for instance.
    pub fn terminate(&mut self) {
        let grace = self.job.limits.grace;
        self.job.end(grace);
        // Some milliseconds, in which all stand still and are looked for.
        drive::until(&mut self.job, None, |job| !job.stopping());
    }

    /// Kills the whole tree with `SIGKILL` and waits until it is gone.
    ///
    /// # Errors
    /// As of [`Command::run`].
    pub fn kill(mut self) -> Result<Finished, Error> {
        self.job.end(Duration::ZERO);
        self.finish()
    }

    fn collected(&self) -> Error {
        Error::Collected {
            command: self.job.command.clone(),
        }
    }
}
