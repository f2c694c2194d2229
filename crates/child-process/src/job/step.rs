//! What is due in each phase.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Cause, End, Job, Phase};
use crate::tree::Census;

/// How long all may take to stand still before they are signalled anyway.
const STILL_WITHIN: Duration = Duration::from_millis(200);

/// How long what got `SIGKILL` may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// How often to look for new processes while those that are known may end by themselves.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Job {
    /// All stand still first: what is just being started is then found before its parent ends and leaves it behind.
    pub(super) fn begin_ending(&mut self, now: Instant, cause: Cause) {
        self.cause = self.cause.or(Some(cause));
        // Nobody waits for what it was still to be told.
        self.stdin.close();
        self.begin_stopping(now, !self.limits.grace.is_zero());
    }

    fn begin_stopping(&mut self, now: Instant, polite: bool) {
        self.tree.signal(&self.leader, Signal::STOP);
        self.phase = Phase::Stopping {
            until: now + STILL_WITHIN,
            look: now,
            polite,
        };
    }

    /// All are known and stand still, or it has taken too long.
    fn strike(&mut self, now: Instant, polite: bool) {
        if polite {
            self.tree.signal(&self.leader, Signal::TERM);
            self.tree.signal(&self.leader, Signal::CONT);
            let until = now.checked_add(self.limits.grace);
            self.phase = Phase::Terminating {
                // A grace beyond all times: half an hour is as good as for ever.
                until: until.unwrap_or(now + Duration::from_secs(1800)),
                look: now + LOOK_EVERY,
            };
        } else {
            self.tree.signal(&self.leader, Signal::KILL);
            // They may all have been dead before, and then nothing else will happen.
            self.phase = Phase::Killed {
                until: now + GONE_WITHIN,
                look: now,
            };
        }
    }

    /// Whatever the phase is, what was due in it by now.
    pub(super) fn step(&mut self, now: Instant, census: &mut Census) {
        match self.phase {
            Phase::Running => {
                if self.leader.exited() {
                    self.stdin.close();
                    if self.limits.end_leftovers {
                        if self.tree.inherits_orphans() {
                            // Held, so that they can be reaped.
                            self.tree.look(&self.leader, census, &[]);
                        }
                        self.leader.signal_group(Signal::KILL);
                    }
                    let until = now + self.limits.drain.min(Duration::from_secs(86_400));
                    let until = self.deadline.map_or(until, |deadline| deadline.min(until));
                    self.drain(now, until);
                } else if let Some(cap) = self.over_cap() {
                    self.begin_ending(now, Cause::TooMuchOutput(cap));
                } else if self.deadline.is_some_and(|deadline| now >= deadline) {
                    let limit = self.limits.timeout.unwrap_or_default();
                    self.begin_ending(now, Cause::TimedOut(limit));
                }
            }
            Phase::Draining { until } => self.drain(now, until),
            Phase::Terminating { until, look } => {
                self.tree.forget_ended();
                let quiet = self.leader.exited() && self.tree.is_empty();
                if now >= until {
                    self.begin_stopping(now, false);
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
            Phase::Stopping {
                until,
                look,
                polite,
            } => {
                if now < look {
                    return;
                }
                let look = self.tree.look(&self.leader, census, &[Signal::STOP]);
                if (look.still && !look.changed) || now >= until {
                    self.strike(now, polite);
                } else {
                    self.phase = Phase::Stopping {
                        until,
                        look: now + Duration::from_micros(200),
                        polite,
                    };
                }
            }
            Phase::Killed { until, .. } => {
                self.tree.forget_ended();
                if self.leader.exited() && self.tree.is_empty() {
                    // One that was just being started when its parent was looked at.
                    let look = self.tree.look(&self.leader, census, &[Signal::KILL]);
                    if self.tree.is_empty() && !look.changed {
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

    /// The child has ended. Whoever else holds its output may write on until then, but no more than the child might.
    fn drain(&mut self, now: Instant, until: Instant) {
        let enough = now >= until;
        if enough {
            self.pump_rest();
        }
        if self.outputs_closed() {
            self.finish();
        } else if let Some(cap) = self.over_cap() {
            self.begin_ending(now, Cause::TooMuchOutput(cap));
        } else if enough {
            self.leaked = true;
            self.finish();
        } else {
            self.phase = Phase::Draining { until };
        }
    }

    fn all_gone(&mut self) {
        // Nobody was found; what the look cannot see, without /proc for instance, ends here.
        self.leader.signal_group(Signal::KILL);
        self.give_up_output();
        self.finish();
    }

    fn give_up(&mut self) {
        self.give_up_output();
        if self.leader.exited() {
            self.finish();
        } else {
            self.end_with(End::Stuck);
        }
    }

    /// Takes what is there now, and notes whether somebody still holds the other end.
    fn give_up_output(&mut self) {
        self.pump_rest();
        self.leaked |= !self.outputs_closed();
    }

    fn pump_rest(&mut self) {
        self.stdout.pump_rest();
        self.stderr.pump_rest();
    }
}
