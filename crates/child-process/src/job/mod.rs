//! One child from its start to its reaping: a state machine that never blocks.
//!
//! ```text
//! Running ──ended──► Draining ──all read, or time up──► Over
//!    │                  │                                ▲
//!    └─────────┬────────┘                                │
//!              ▼ time up, too much output, asked to end  │
//!          Stopping ──all stand still──► Terminating ──all ended
//!          (SIGSTOP)                     (SIGTERM)       │
//!                                            │ grace over│
//!                                            ▼           │
//!                                        Stopping ──► Killed
//!                                        (SIGSTOP)   (SIGKILL)
//! ```
//!
//! The child is reaped on the way into `Over` and never before, so that its number, which is that of its group, cannot mean
//! anybody else as long as the group may have to be signalled.

mod drain;
mod feed;
mod step;
mod watch;

pub(crate) use drain::{Drain, Piece};
pub(crate) use feed::Feed;

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Signal;

use crate::command::{Excess, Limits};
use crate::drive::{self, Drive as _};
use crate::tree::{Census, Leader, Tree};
use crate::{Error, Finished};

/// A child that was started, and all there is to do for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) command: String,
    pub(crate) stdin: Feed,
    pub(crate) stdout: Drain,
    pub(crate) stderr: Drain,
    pub(crate) cap: Option<(usize, Excess)>,
    pub(crate) limits: Limits,
    leader: Leader,
    tree: Tree,
    phase: Phase,
    /// Why it is being ended, if it is.
    cause: Option<Cause>,
    started: Instant,
    deadline: Option<Instant>,
    leaked: bool,
    status: Option<ExitStatus>,
    /// How it ended and after how long, until somebody is told.
    end: Option<(End, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining {
        until: Instant,
    },
    Terminating {
        until: Instant,
        look: Instant,
    },
    /// Politely: `SIGTERM` comes next, and not `SIGKILL`.
    Stopping {
        until: Instant,
        look: Instant,
        polite: bool,
    },
    Killed {
        until: Instant,
        look: Instant,
    },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    TimedOut(Duration),
    TooMuchOutput(usize),
    Asked,
}

#[derive(Debug)]
enum End {
    Status(ExitStatus),
    StatusLost(io::Error),
    Stuck,
}

impl Job {
    pub(crate) fn new(command: String, leader: Leader, limits: Limits, started: Instant) -> Self {
        Self {
            command,
            stdin: Feed::default(),
            stdout: Drain::default(),
            stderr: Drain::default(),
            cap: None,
            limits,
            leader,
            tree: Tree::default(),
            phase: Phase::Running,
            cause: None,
            started,
            deadline: limits
                .timeout
                .and_then(|timeout| started.checked_add(timeout)),
            leaked: false,
            status: None,
            end: None,
        }
    }

    pub(crate) fn leader(&self) -> &Leader {
        &self.leader
    }

    /// How the child ended, if it has; whatever else may still be alive or open.
    pub(crate) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.leader.peek()?;
        }
        Ok(self.status)
    }

    /// Whether the child has ended, as far as was seen.
    pub(crate) fn exited(&self) -> bool {
        self.leader.exited()
    }

    /// Whether its tree is being ended.
    pub(crate) fn ending(&self) -> bool {
        matches!(
            self.phase,
            Phase::Terminating { .. } | Phase::Stopping { .. } | Phase::Killed { .. }
        )
    }

    /// Whether it is over with something else than its own end, and nobody has been told yet.
    pub(crate) fn ended_by_a_limit(&self) -> bool {
        match &self.end {
            None => false,
            Some((End::Status(_), _)) => !matches!(self.cause, None | Some(Cause::Asked)),
            Some((End::StatusLost(_) | End::Stuck, _)) => true,
        }
    }

    /// What comes is kept for the result from now on.
    pub(crate) fn collect(&mut self) {
        self.stdout.collect();
        self.stderr.collect();
    }

    /// What comes is handed out line by line from now on.
    pub(crate) fn hand_out(&mut self) {
        self.stdout.hand_out();
        self.stderr.hand_out();
    }

    pub(crate) fn status_lost(&mut self, error: io::Error) -> Error {
        Error::StatusLost {
            command: self.command.clone(),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            error,
        }
    }

    /// End it no later than then, as if that had been its own time limit.
    pub(crate) fn end_by(&mut self, deadline: Instant) {
        if self.deadline.is_none_or(|own| deadline < own) {
            self.deadline = Some(deadline);
            self.limits.timeout = Some(deadline.saturating_duration_since(self.started));
        }
    }

    /// Sends a signal to the child and all that can be found of what it started.
    pub(crate) fn signal_tree(&mut self, signal: Signal) {
        let mut census = Census::default();
        self.tree.look(&self.leader, &mut census, &[]);
        self.tree.signal(&self.leader, signal);
    }

    /// Begins to end the tree because somebody asked for it, with this much time after `SIGTERM`.
    pub(crate) fn end(&mut self, grace: Duration) {
        if self.leader.is_of_another() {
            return self.end_with(End::StatusLost(Errno::CHILD.into()));
        }
        self.limits.grace = grace;
        let now = Instant::now();
        match self.phase {
            Phase::Running | Phase::Draining { .. } => self.begin_ending(now, Cause::Asked),
            // It may have been promised more time before.
            Phase::Terminating { until, look } => {
                let until = now.checked_add(grace).map_or(until, |own| own.min(until));
                self.phase = Phase::Terminating { until, look };
            }
            Phase::Stopping { ref mut polite, .. } => *polite &= !grace.is_zero(),
            Phase::Killed { .. } | Phase::Over => {}
        }
    }

    /// Whether all are held still for a moment, which is not to be left like this.
    pub(crate) fn stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. })
    }

    fn outputs_closed(&self) -> bool {
        self.stdout.open().is_none() && self.stderr.open().is_none()
    }

    fn over_cap(&self) -> Option<usize> {
        let (cap, excess) = self.cap?;
        let dropped = self.stdout.dropped() + self.stderr.dropped();
        (excess == Excess::Fail && dropped > 0).then_some(cap)
    }

    fn close(&mut self) {
        self.stdin.close();
        self.stdout.close();
        self.stderr.close();
    }

    fn finish(&mut self) {
        self.cause = self.cause.or(self.over_cap().map(Cause::TooMuchOutput));
        self.tree.leave(&self.leader, &mut Census::default());
        let status = self.leader.reap();
        if let Ok(status) = &status {
            self.status = Some(*status);
        }
        self.end_with(status.map_or_else(End::StatusLost, End::Status));
    }

    fn end_with(&mut self, end: End) {
        self.close();
        self.phase = Phase::Over;
        self.end = Some((end, self.started.elapsed()));
    }

    /// The result, when it is over; once. With what was captured and not handed out as lines.
    pub(crate) fn result(&mut self) -> Result<Finished, Error> {
        let command = self.command.clone();
        let Some((end, took)) = self.end.take() else {
            return Err(Error::Collected { command });
        };
        self.collect();
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
        // Also for lines that nobody has asked for in the end.
        let cause = self.cause.or(self.over_cap().map(Cause::TooMuchOutput));
        match cause {
            None | Some(Cause::Asked) => Ok(finished),
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

    /// Leaves the child to itself: what it writes is thrown away, and no limit holds.
    pub(crate) fn let_go(&mut self) {
        self.stdin.finish();
        self.stdout.discard();
        self.stderr.discard();
        self.cap = None;
        self.limits.end_leftovers = false;
        self.deadline = None;
    }
}

/// No child outlives who watches it: its tree is killed and waited for, which takes milliseconds.
impl Drop for Job {
    fn drop(&mut self) {
        if !self.over() {
            self.end(Duration::ZERO);
            drive::until_over(self);
        }
    }
}
