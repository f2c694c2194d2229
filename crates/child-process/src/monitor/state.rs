//! The state machine of one child, from its start until it is reaped. It never blocks.
//!
//! ```text
//! Running ──ended──► Draining ──all read, or timeout───► Over
//!    │                  │                                ▲
//!    └─────────┬────────┘                                │
//!              ▼ time limit, output limit, cancellation  │
//!          Stopping ──all stopped──► Terminating ────all ended
//!          (SIGSTOP)                 (SIGTERM)           │
//!                                        │ grace over    │
//!                                        ▼               │
//!                                    Stopping ──────► Killed
//!                                    (SIGSTOP)       (SIGKILL)
//! ```
//!
//! The child is reaped on entering `Over` and never earlier. Until then its process id, which is
//! also its group's, cannot be reused, so it is safe to signal the group.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Signal;

use crate::command::{Excess, Limits};
use crate::error::Error;
use crate::event_loop::{self, Drive as _};
use crate::finished::Finished;
use crate::monitor::input_writer::InputWriter;
use crate::monitor::output_reader::OutputReader;
use crate::tree::leader::Leader;
use crate::tree::proc_scan::ProcScan;
use crate::tree::process_tree::Tree;

/// A started child, with everything needed to serve and end it.
#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) command: String,
    pub(crate) stdin: InputWriter,
    pub(crate) stdout: OutputReader,
    pub(crate) stderr: OutputReader,
    pub(crate) cap: Option<(usize, Excess)>,
    pub(crate) limits: Limits,
    pub(super) leader: Leader,
    pub(super) tree: Tree,
    pub(super) phase: Phase,
    /// Why the tree is being ended, if it is.
    pub(super) cause: Option<Cause>,
    pub(super) started: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) leaked: bool,
    status: Option<ExitStatus>,
    /// How the child ended and after how long, until the result is taken.
    end: Option<(End, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Draining {
        until: Instant,
    },
    Terminating {
        until: Instant,
        next_scan: Instant,
    },
    /// If `polite`, `SIGTERM` comes next, otherwise `SIGKILL`.
    Stopping {
        until: Instant,
        next_scan: Instant,
        polite: bool,
    },
    Killed {
        until: Instant,
        next_scan: Instant,
    },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    TimedOut(Duration),
    TooMuchOutput(usize),
    Cancelled,
}

#[derive(Debug)]
pub(super) enum End {
    Status(ExitStatus),
    StatusLost(io::Error),
    Stuck,
}

impl Monitor {
    pub(crate) fn new(command: String, leader: Leader, limits: Limits, started: Instant) -> Self {
        Self {
            command,
            stdin: InputWriter::default(),
            stdout: OutputReader::default(),
            stderr: OutputReader::default(),
            cap: None,
            limits,
            leader,
            tree: Tree::default(),
            phase: Phase::Running,
            cause: None,
            started,
            deadline: limits
                .time_limit
                .and_then(|limit| started.checked_add(limit)),
            leaked: false,
            status: None,
            end: None,
        }
    }

    pub(crate) fn leader(&self) -> &Leader {
        &self.leader
    }

    /// The exit status if the child has ended, even if its tree lives or its output is open.
    pub(crate) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.leader.peek()?;
        }
        Ok(self.status)
    }

    /// Whether the child was seen to have ended.
    pub(crate) fn exited(&self) -> bool {
        self.leader.exited()
    }

    /// Whether the tree is being ended.
    pub(crate) fn ending(&self) -> bool {
        matches!(
            self.phase,
            Phase::Terminating { .. } | Phase::Stopping { .. } | Phase::Killed { .. }
        )
    }

    /// Whether it is over because of a limit or without a status, and the result is not taken yet.
    pub(crate) fn failed(&self) -> bool {
        match &self.end {
            None => false,
            Some((End::Status(_), _)) => !matches!(self.cause, None | Some(Cause::Cancelled)),
            Some((End::StatusLost(_) | End::Stuck, _)) => true,
        }
    }

    /// Captures output for the result.
    pub(crate) fn capture(&mut self) {
        self.stdout.capture();
        self.stderr.capture();
    }

    /// Buffers output for a caller that reads lines.
    pub(crate) fn read_by_lines(&mut self) {
        self.stdout.read_by_lines();
        self.stderr.read_by_lines();
    }

    pub(crate) fn status_lost(&mut self, error: io::Error) -> Error {
        Error::StatusLost {
            command: self.command.clone(),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            error,
        }
    }

    /// Lowers the time limit to `deadline`.
    pub(crate) fn end_by(&mut self, deadline: Instant) {
        if self.deadline.is_none_or(|own| deadline < own) {
            self.deadline = Some(deadline);
            self.limits.time_limit = Some(deadline.saturating_duration_since(self.started));
        }
    }

    /// Sends a signal to the child and all its descendants that can be found.
    pub(crate) fn signal_tree(&mut self, signal: Signal) {
        let mut scan = ProcScan::default();
        self.tree.search(&self.leader, &mut scan, &[]);
        self.tree.signal(&self.leader, signal);
    }

    /// Starts to end the tree, with `grace` between `SIGTERM` and `SIGKILL`.
    pub(crate) fn end(&mut self, grace: Duration) {
        if self.leader.is_forked_copy() {
            return self.end_with(End::StatusLost(Errno::CHILD.into()));
        }
        self.limits.grace = grace;
        let now = Instant::now();
        match self.phase {
            Phase::Running | Phase::Draining { .. } => self.begin_ending(now, Cause::Cancelled),
            // An earlier call may have granted more time.
            Phase::Terminating { until, next_scan } => {
                let until = now.checked_add(grace).map_or(until, |own| own.min(until));
                self.phase = Phase::Terminating { until, next_scan };
            }
            Phase::Stopping { ref mut polite, .. } => *polite &= !grace.is_zero(),
            Phase::Killed { .. } | Phase::Over => {}
        }
    }

    /// Whether the tree is stopped for a moment. The caller must not leave it like that.
    pub(crate) fn stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. })
    }

    pub(super) fn outputs_closed(&self) -> bool {
        self.stdout.pipe().is_none() && self.stderr.pipe().is_none()
    }

    pub(super) fn over_cap(&self) -> Option<usize> {
        let (cap, excess) = self.cap?;
        let dropped = self.stdout.dropped() + self.stderr.dropped();
        (excess == Excess::Fail && dropped > 0).then_some(cap)
    }

    fn close(&mut self) {
        self.stdin.close();
        self.stdout.close();
        self.stderr.close();
    }

    /// Reaps the child and leaves what is left of its tree running.
    pub(super) fn finish(&mut self) {
        self.cause = self.cause.or(self.over_cap().map(Cause::TooMuchOutput));
        self.tree.release(&self.leader, &mut ProcScan::default());
        let status = self.leader.reap();
        if let Ok(status) = &status {
            self.status = Some(*status);
        }
        self.end_with(status.map_or_else(End::StatusLost, End::Status));
    }

    pub(super) fn end_with(&mut self, end: End) {
        self.close();
        self.phase = Phase::Over;
        self.end = Some((end, self.started.elapsed()));
    }

    /// Takes the result, once it is over. Output that was returned as lines is not part of it.
    pub(crate) fn result(&mut self) -> Result<Finished, Error> {
        let command = self.command.clone();
        let Some((end, took)) = self.end.take() else {
            return Err(Error::Collected { command });
        };
        self.capture();
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let status = match end {
            End::Status(status) => status,
            End::StatusLost(error) => {
                return Err(Error::StatusLost {
                    command,
                    stdout,
                    stderr,
                    error,
                });
            }
            End::Stuck => {
                return Err(Error::Stuck {
                    command,
                    id: self.leader.id(),
                    stdout,
                    stderr,
                });
            }
        };
        let finished = Finished {
            command,
            status,
            stdout,
            stderr,
            stdout_dropped: self.stdout.dropped(),
            stderr_dropped: self.stderr.dropped(),
            leaked: self.leaked,
            took,
        };
        // The cap also applies to lines that the caller did not read.
        let cause = self.cause.or(self.over_cap().map(Cause::TooMuchOutput));
        match cause {
            None | Some(Cause::Cancelled) => Ok(finished),
            Some(Cause::TimedOut(limit)) => Err(Error::TimedOut {
                limit,
                finished: Box::new(finished),
            }),
            Some(Cause::TooMuchOutput(cap)) => Err(Error::TooMuchOutput {
                cap,
                finished: Box::new(finished),
            }),
        }
    }

    /// Lets the child run on without limits, and discards its output.
    pub(crate) fn detach(&mut self) {
        self.stdin.finish();
        self.stdout.discard();
        self.stderr.discard();
        self.cap = None;
        self.limits.kill_leftovers = false;
        self.deadline = None;
    }
}

/// Kills the tree and waits for its end, which takes milliseconds, so that no child outlives its
/// monitor.
impl Drop for Monitor {
    fn drop(&mut self) {
        if !self.over() {
            self.end(Duration::ZERO);
            event_loop::until_over(self);
        }
    }
}
