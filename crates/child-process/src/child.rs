//! The blocking calls of a command, and the handle of a running child.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::command::Command;
use crate::error::Error;
use crate::event_loop::{self, Drive as _, after};
use crate::finished::Finished;
use crate::lines::{Line, Lines, next_line};
use crate::monitor::state::Monitor;
use crate::signal::Signal;
use crate::start::{start, start_open};

impl Command {
    /// Runs the command to its end. The result has the exit status, whatever it is, and the
    /// captured output.
    ///
    /// # Errors
    /// [`Error::Start`] if the child cannot be started, [`Error::TimedOut`] after the time limit,
    /// [`Error::TooMuchOutput`] if it exceeds its output limit, [`Error::StatusLost`] if other code
    /// has reaped it. An exit status other than 0 is not an error: see [`Finished::check`].
    ///
    /// # Blocking
    /// Blocks until the child has ended and its output is closed: at most the [drain
    /// time](Self::drain) after the child's end, and at most the [time limit](Self::time_limit)
    /// plus the [grace time](Self::grace) in all.
    ///
    /// ```
    /// let finished = effective_child_process::Command::new("sh")
    ///     .args(["-c", "echo out; echo err >&2; exit 3"])
    ///     .run()?;
    /// assert_eq!(finished.status.code(), Some(3));
    /// assert_eq!(finished.stdout, b"out\n");
    /// assert_eq!(finished.stderr, b"err\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn run(&self) -> Result<Finished, Error> {
        let mut monitor = start(self)?;
        event_loop::until_over(&mut monitor);
        monitor.result()
    }

    /// Runs the command to its end and returns its standard output as text without trailing line
    /// ends, like `$(…)` in a shell. Output that was [cut off](Self::capture_at_most) or came after
    /// the [drain time](Self::drain) is silently missing; the result of [`run`](Self::run) reports
    /// it.
    ///
    /// # Errors
    /// Those of [`run`](Self::run); [`Error::Failed`] if the exit status is not 0;
    /// [`Error::NotText`].
    ///
    /// ```
    /// let text = effective_child_process::Command::new("echo").arg("hello").read()?;
    /// assert_eq!(text, "hello");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn read(&self) -> Result<String, Error> {
        let finished = self.run()?.check()?;
        let text = finished.stdout_text()?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Runs the command to its end and calls `on_line` with each line as it arrives. The result
    /// contains no output that `on_line` has received.
    ///
    /// A panic in `on_line` kills the tree and propagates to the caller.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
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
        let mut child = Child {
            monitor: start(self)?,
        };
        child.lines().for_each(on_line);
        child.finish()
    }

    /// Starts the child without waiting for its end.
    ///
    /// # Errors
    /// [`Error::Start`].
    pub fn spawn(&self) -> Result<Child, Error> {
        Ok(Child {
            monitor: start_open(self)?,
        })
    }
}

/// A child started by [`Command::spawn`].
///
/// Every call that waits also serves the child: it feeds its input, reads its output and enforces
/// its time limit, so full pipes cannot deadlock child and caller. Between such calls the child is
/// not served.
///
/// # Dropping
/// Dropping the handle kills the child with its whole tree and waits for their end, which takes a
/// few milliseconds. [`detach`](Self::detach) avoids that.
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
    pub(crate) monitor: Monitor,
}

impl Child {
    /// The process id. It may belong to another process once this child has been reaped.
    pub fn id(&self) -> u32 {
        self.monitor.leader().id()
    }

    /// Returns the exit status if the child has ended, without waiting.
    ///
    /// # Errors
    /// [`Error::StatusLost`] if other code has reaped the child.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.wait_timeout(Duration::ZERO)
    }

    /// Waits for the child itself, not for its output to be closed.
    ///
    /// No input can be written during the call, so standard input is closed once the pending bytes
    /// are written.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after the time limit of the command; [`Error::StatusLost`].
    pub fn wait(&mut self) -> Result<ExitStatus, Error> {
        self.monitor.stdin.finish();
        let status = self.wait_until(None)?;
        status.ok_or_else(|| self.collected())
    }

    /// Waits for the child itself for at most `timeout`. Returns `None` if it is still running, and
    /// loses no output.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<ExitStatus>, Error> {
        self.wait_until(after(timeout))
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<Option<ExitStatus>, Error> {
        let monitor = &mut self.monitor;
        monitor.capture();
        // While the tree is being ended, wait until that is done.
        event_loop::until(monitor, deadline, |monitor| {
            monitor.over() || (monitor.exited() && !monitor.ending())
        });
        if monitor.failed() {
            return monitor.result().map(|finished| Some(finished.status));
        }
        monitor.status().map_err(|error| monitor.status_lost(error))
    }

    /// Waits for the child and the end of its output, and returns the result. Closes standard input
    /// like [`wait`](Self::wait).
    ///
    /// # Errors
    /// Those of [`Command::run`]; [`Error::Collected`] if the result has been returned before.
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.monitor.capture();
        self.monitor.stdin.finish();
        event_loop::until_over(&mut self.monitor);
        self.monitor.result()
    }

    /// Waits for the child and the end of its output for at most `timeout`. Returns `None` if the
    /// child is not finished; its output so far is kept for a later call.
    ///
    /// # Errors
    /// Those of [`Command::run`]; [`Error::Collected`] if the result has been returned before.
    pub fn finish_timeout(&mut self, timeout: Duration) -> Result<Option<Finished>, Error> {
        self.monitor.capture();
        if event_loop::until(&mut self.monitor, after(timeout), |monitor| monitor.over()) {
            self.monitor.result().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Writes all the bytes to standard input. Output is read meanwhile, so any amount is safe.
    ///
    /// # Errors
    /// [`Error::StdinClosed`] if the child has closed its input or was not started with
    /// [`Input::Pipe`](crate::Input::Pipe).
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        self.write_until(bytes.into(), None).map(drop)
    }

    /// Like [`write`](Self::write), for at most `timeout`. Returns whether all bytes are written;
    /// the next call that waits writes the rest.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub fn write_timeout(
        &mut self,
        bytes: impl Into<Vec<u8>>,
        timeout: Duration,
    ) -> Result<bool, Error> {
        self.write_until(bytes.into(), after(timeout))
    }

    fn write_until(&mut self, bytes: Vec<u8>, deadline: Option<Instant>) -> Result<bool, Error> {
        let monitor = &mut self.monitor;
        if monitor.stdin.is_open() {
            monitor.stdin.push(bytes);
            // Only a write shows whether the pipe still has a reader.
            monitor.stdin.pump();
        }
        let written = event_loop::until(monitor, deadline, |monitor| {
            monitor.stdin.pending().is_none()
        });
        if monitor.stdin.is_open() {
            Ok(written)
        } else {
            Err(Error::StdinClosed {
                command: monitor.command.clone(),
            })
        }
    }

    /// Closes standard input once the pending bytes are written.
    pub fn close_stdin(&mut self) {
        self.monitor.stdin.finish();
    }

    /// An iterator over the lines of output as they arrive. It ends with the child and its output;
    /// [`finish`](Self::finish) then returns the status.
    ///
    /// Of lines that arrive at the same time, those of standard output come first; only
    /// [merged](crate::Output::Merge) output keeps its order. Output is read only when no complete
    /// line is buffered, so a fast child is throttled and no output piles up.
    ///
    /// Standard input stays open. A child that waits for input while the caller waits for a line
    /// deadlocks with it, except for [`next_line`](Self::next_line) and the time limit.
    pub fn lines(&mut self) -> Lines<'_> {
        Lines::new(&mut self.monitor)
    }

    /// Waits for the next line for at most `timeout`. Returns `Ok(None)` if none has arrived.
    ///
    /// # Errors
    /// [`Error::Collected`] if the child has ended and there are no more lines.
    pub fn next_line(&mut self, timeout: Duration) -> Result<Option<Line>, Error> {
        let line = next_line(&mut self.monitor, after(timeout));
        if line.is_none() && self.monitor.over() {
            return Err(self.collected());
        }
        Ok(line)
    }

    /// Sends a signal to the child alone.
    ///
    /// # Errors
    /// `ESRCH` if the child has been reaped, `EPERM` if it belongs to another user now. Signalling
    /// a child that has ended but is not reaped has no effect and is not an error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.monitor.leader().signal(signal.raw())
    }

    /// Sends a signal to the child and all its descendants that can be found.
    pub fn signal_tree(&mut self, signal: Signal) {
        self.monitor.signal_tree(signal.raw());
    }

    /// Sends `SIGTERM` to the whole tree without waiting for its end. A later call that waits, such
    /// as [`finish`](Self::finish), kills the processes that remain after the [grace
    /// time](Command::grace).
    pub fn terminate(&mut self) {
        let grace = self.monitor.limits.grace;
        self.monitor.end(grace);
        // Stopping and scanning the tree takes a few milliseconds.
        event_loop::until(&mut self.monitor, None, |monitor| !monitor.stopping());
    }

    /// Kills the whole tree with `SIGKILL` and waits until it is gone.
    ///
    /// # Errors
    /// Those of [`Command::run`].
    pub fn kill(mut self) -> Result<Finished, Error> {
        self.monitor.end(Duration::ZERO);
        self.finish()
    }

    fn collected(&self) -> Error {
        Error::Collected {
            command: self.monitor.command.clone(),
        }
    }
}
