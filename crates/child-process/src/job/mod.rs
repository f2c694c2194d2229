//! One child from its start to its reaping: a state machine that never blocks.
//!
//! ```text
//! Running ──ended──► Draining ──all read, or time up──────────────────────────► Over
//!    │ time up, too much output, asked to end                                    ▲
//!    ▼                                                                           │
//! Terminating ──all ended────────────────────────────────────────────────────────┤
//!    │ grace over          (SIGTERM)                                             │
//!    ▼                                                                           │
//! Stopping ──all stand still──► Killed ──all ended───────────────────────────────┘
//!             (SIGSTOP)        (SIGKILL)
//! ```
//!
//! The child is reaped on the way into `Over` and never before, so that its number, which is that of its group, cannot mean
//! anybody else as long as the group may have to be signalled.

mod drain;
mod feed;

pub(crate) use drain::Drain;
pub(crate) use feed::Feed;

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;

use crate::command::{Excess, Limits};
use crate::drive::{self, Drive, Flags};
use crate::tree::{Census, Leader, Tree};
use crate::{Error, Finished};

/// How long all may take to stand still before they are killed anyway.
const STILL_WITHIN: Duration = Duration::from_millis(50);

/// How long what got `SIGKILL` may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// How often to look for new processes while those that are known may end by themselves.
const LOOK_EVERY: Duration = Duration::from_millis(20);

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
    /// Lines are asked for one by one: nothing is read that nobody has asked for yet.
    pub(crate) by_lines: bool,
    leaked: bool,
    status: Option<ExitStatus>,
    result: Option<Result<Finished, Error>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { until: Instant },
    Terminating { until: Instant, look: Instant },
    Stopping { until: Instant, look: Instant },
    Killed { until: Instant, look: Instant },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    TimedOut(Duration),
    TooMuchOutput(usize),
    Asked,
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
            by_lines: false,
            leaked: false,
            status: None,
            result: None,
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

    /// Whether it is over because of a limit, and nobody has been told yet.
    pub(crate) fn ended_by_a_limit(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }

    pub(crate) fn status_lost(&mut self, error: io::Error) -> Error {
        Error::StatusLost {
            command: self.command.clone(),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            error,
        }
    }

    /// The result, once, when it is over.
    pub(crate) fn result(&mut self) -> Option<Result<Finished, Error>> {
        self.result.take()
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
        self.limits.grace = grace;
        match self.phase {
            Phase::Running | Phase::Draining { .. } => {
                self.begin_ending(Instant::now(), Cause::Asked, &mut Census::default());
            }
            // It may have been promised more time before.
            Phase::Terminating { until, look } => {
                let until = until.min(Instant::now() + grace);
                self.phase = Phase::Terminating { until, look };
            }
            Phase::Stopping { .. } | Phase::Killed { .. } | Phase::Over => {}
        }
    }

    fn begin_ending(&mut self, now: Instant, cause: Cause, census: &mut Census) {
        self.cause = self.cause.or(Some(cause));
        // Nobody waits for what it was still to be told.
        self.stdin.close();
        self.phase = if self.limits.grace.is_zero() {
            self.begin_stopping(now)
        } else {
            let until = now.checked_add(self.limits.grace);
            // A grace beyond all times: half an hour is as good as for ever, and then asked again.
            let until = until.unwrap_or(now + Duration::from_secs(1800));
            self.tree.look(&self.leader, census, &[]);
            self.tree.signal(&self.leader, Signal::TERM);
            // What stands still could not react.
            self.tree.signal(&self.leader, Signal::CONT);
            let look = Instant::now() + LOOK_EVERY;
            Phase::Terminating { until, look }
        };
    }

    fn begin_stopping(&mut self, now: Instant) -> Phase {
        self.tree.signal(&self.leader, Signal::STOP);
        Phase::Stopping {
            until: now + STILL_WITHIN,
            look: now,
        }
    }

    /// Whatever the phase is, what was due in it by now.
    fn step(&mut self, now: Instant, census: &mut Census) {
        match self.phase {
            Phase::Running => {
                if self.leader.exited() {
                    self.stdin.close();
                    if self.limits.end_leftovers {
                        self.leader.signal_group(Signal::KILL);
                    }
                    if self.outputs_closed() {
                        self.finish();
                    } else {
                        let until = now + self.limits.drain.min(Duration::from_secs(86_400));
                        self.phase = Phase::Draining { until };
                    }
                } else if let Some(cap) = self.over_cap() {
                    self.begin_ending(now, Cause::TooMuchOutput(cap), census);
                } else if self.deadline.is_some_and(|deadline| now >= deadline) {
                    let limit = self.limits.timeout.unwrap_or_default();
                    self.begin_ending(now, Cause::TimedOut(limit), census);
                }
            }
            Phase::Draining { until } => {
                if let Some(cap) = self.over_cap() {
                    self.cause = Some(Cause::TooMuchOutput(cap));
                }
                if self.outputs_closed() {
                    self.finish();
                } else if now >= until {
                    self.give_up_output();
                    self.finish();
                }
            }
            Phase::Terminating { until, look } => {
                self.tree.forget_ended();
                let quiet = self.leader.exited() && self.tree.is_empty();
                if now >= until {
                    self.phase = self.begin_stopping(now);
                } else if quiet || now >= look {
                    let signals = [Signal::TERM, Signal::CONT];
                    self.tree.look(&self.leader, census, &signals);
                    if self.leader.exited() && self.tree.is_empty() {
                        self.all_gone();
                    } else {
                        // A reading of many processes takes its time: let it never be most of what is done.
                        let pause = LOOK_EVERY.max(now.elapsed() * 10);
                        self.phase = Phase::Terminating {
                            until,
                            look: now + pause,
                        };
                    }
                }
            }
            Phase::Stopping { until, look } => {
                if now < look {
                    return;
                }
                let look = self.tree.look(&self.leader, census, &[Signal::STOP]);
                if (look.still && !look.changed) || now >= until {
                    self.tree.signal(&self.leader, Signal::KILL);
                    // They may all have been dead before, and then nothing else will happen.
                    self.phase = Phase::Killed {
                        until: now + GONE_WITHIN,
                        look: now,
                    };
                } else {
                    self.phase = Phase::Stopping {
                        until,
                        look: now + Duration::from_micros(200),
                    };
                }
            }
            Phase::Killed { until, .. } => {
                self.tree.forget_ended();
                if self.leader.exited() && self.tree.is_empty() {
                    // One that was just being started when its parent was looked at.
                    self.tree.look(&self.leader, census, &[Signal::KILL]);
                    if self.tree.is_empty() {
                        return self.all_gone();
                    }
                }
                if now >= until {
                    return self.give_up();
                }
                self.phase = Phase::Killed {
                    until,
                    look: now + LOOK_EVERY,
                };
            }
            Phase::Over => {}
        }
    }

    fn all_gone(&mut self) {
        // Nobody was found; what the look cannot see, without /proc for instance, ends here.
        self.leader.signal_group(Signal::KILL);
        self.tree.reap();
        self.give_up_output();
        self.finish();
    }

    fn give_up(&mut self) {
        if self.leader.exited() {
            self.give_up_output();
            return self.finish();
        }
        self.result = Some(Err(Error::Stuck {
            command: self.command.clone(),
            id: self.leader.id(),
        }));
        self.close();
        self.phase = Phase::Over;
    }

    /// Takes what is there now, and notes whether somebody still holds the other end.
    fn give_up_output(&mut self) {
        self.stdout.pump();
        self.stderr.pump();
        self.leaked |= !self.outputs_closed();
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
        self.close();
        self.phase = Phase::Over;
        self.tree.leave(&self.leader, &mut Census::default());
        let status = self.leader.reap();
        let command = self.command.clone();
        // Lines that nobody has asked for yet stay where they are.
        let (stdout, stderr) = if self.by_lines {
            (Vec::new(), Vec::new())
        } else {
            (self.stdout.take(), self.stderr.take())
        };
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                self.result = Some(Err(Error::StatusLost {
                    command,
                    stdout,
                    stderr,
                    error,
                }));
                return;
            }
        };
        self.status = Some(status);
        let finished = Finished {
            command,
            status,
            stdout,
            stderr,
            stdout_dropped: self.stdout.dropped(),
            stderr_dropped: self.stderr.dropped(),
            leaked: self.leaked,
            took: self.started.elapsed(),
        };
        self.result = Some(match self.cause {
            None | Some(Cause::Asked) => Ok(finished),
            Some(Cause::TimedOut(limit)) => Err(Error::TimedOut {
                limit,
                finished: Box::new(finished),
            }),
            Some(Cause::TooMuchOutput(cap)) => Err(Error::TooMuchOutput {
                cap,
                finished: Box::new(finished),
            }),
        });
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

impl Drive for Job {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if self.over() {
            return;
        }
        // First what is written and read: who ends right after writing is found with all it wrote.
        if let Some(pipe) = self.stdin.waiting() {
            fds.push(PollFd::from_borrowed_fd(pipe, PollFlags::OUT));
        }
        for drain in [&self.stdout, &self.stderr] {
            if let Some(pipe) = drain.open() {
                fds.push(PollFd::from_borrowed_fd(pipe, PollFlags::IN));
            }
        }
        if !self.leader.exited() {
            fds.push(PollFd::from_borrowed_fd(
                self.leader.descriptor(),
                PollFlags::IN,
            ));
        }
        for process in self.tree.descriptors() {
            fds.push(PollFd::from_borrowed_fd(process, PollFlags::IN));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => self.deadline,
            Phase::Draining { until } => Some(until),
            Phase::Terminating { until, look }
            | Phase::Stopping { until, look }
            | Phase::Killed { until, look } => Some(until.min(look)),
            Phase::Over => None,
        }
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        if self.over() {
            return;
        }
        let mut happened = false;
        // The same order and the same conditions as above.
        if self.stdin.waiting().is_some() && flags.next() {
            self.stdin.pump();
        }
        for drain in [&mut self.stdout, &mut self.stderr] {
            if drain.open().is_some() && flags.next() {
                drain.pump();
                happened = true;
            }
        }
        if !self.leader.exited() && flags.next() {
            self.leader.note_exit();
            happened = true;
        }
        for _ in self.tree.descriptors() {
            happened |= flags.next();
        }
        if happened || self.wake_at().is_some_and(|due| now >= due) {
            self.step(now, census);
        }
    }

    fn over(&self) -> bool {
        self.phase == Phase::Over
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
