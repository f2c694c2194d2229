//! The transitions of the state machine: what is due in each phase.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::monitor::state::{Cause, End, Monitor, Phase};
use crate::tree::proc_scan::ProcScan;

/// How long the tree may take to stop before it is signalled anyway.
const STOP_TIMEOUT: Duration = Duration::from_millis(200);

/// How long processes may take to end after `SIGKILL`.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// How often to scan for new processes while the known ones may end by themselves.
const SCAN_EVERY: Duration = Duration::from_millis(20);

/// How often to scan while the tree is being stopped.
const STOP_SCAN_EVERY: Duration = Duration::from_micros(200);

impl Monitor {
    /// Starts to end the tree. It is stopped first, so that a process being forked right now is
    /// found before its parent ends and leaves it behind.
    pub(super) fn begin_ending(&mut self, now: Instant, cause: Cause) {
        self.cause = self.cause.or(Some(cause));
        // The child no longer needs the pending input.
        self.stdin.close();
        self.begin_stopping(now, !self.limits.grace.is_zero());
    }

    fn begin_stopping(&mut self, now: Instant, polite: bool) {
        self.tree.signal(&self.leader, Signal::STOP);
        self.phase = Phase::Stopping {
            until: now + STOP_TIMEOUT,
            next_scan: now,
            polite,
        };
    }

    /// Signals the tree, which is known and stopped, or has taken too long to stop.
    fn strike(&mut self, now: Instant, polite: bool) {
        if polite {
            self.tree.signal(&self.leader, Signal::TERM);
            self.tree.signal(&self.leader, Signal::CONT);
            let until = now.checked_add(self.limits.grace);
            self.phase = Phase::Terminating {
                // A grace time beyond the clock's range is cut to half an hour.
                until: until.unwrap_or(now + Duration::from_secs(1800)),
                next_scan: now + SCAN_EVERY,
            };
        } else {
            self.tree.signal(&self.leader, Signal::KILL);
            // If all were dead already, no event follows, so scan at once.
            self.phase = Phase::Killed {
                until: now + KILL_TIMEOUT,
                next_scan: now,
            };
        }
    }

    /// Does what is due in the current phase.
    pub(super) fn step(&mut self, now: Instant, scan: &mut ProcScan) {
        match self.phase {
            Phase::Running => self.step_running(now, scan),
            Phase::Draining { until } => self.drain(now, until),
            Phase::Terminating { until, next_scan } => {
                self.step_terminating(now, until, next_scan, scan);
            }
            Phase::Stopping {
                until,
                next_scan,
                polite,
            } if now >= next_scan => self.step_stopping(now, until, polite, scan),
            Phase::Killed { until, .. } => self.step_killed(now, until, scan),
            Phase::Stopping { .. } | Phase::Over => {}
        }
    }

    fn step_running(&mut self, now: Instant, scan: &mut ProcScan) {
        if self.leader.exited() {
            self.stdin.close();
            if self.limits.kill_leftovers {
                if self.tree.inherits_orphans() {
                    // Processes must be held to be reaped later.
                    self.tree.search(&self.leader, scan, &[]);
                }
                self.leader.signal_group(Signal::KILL);
            }
            let until = now + self.limits.drain.min(Duration::from_secs(86_400));
            let until = self.deadline.map_or(until, |deadline| deadline.min(until));
            self.drain(now, until);
        } else if let Some(cap) = self.over_cap() {
            self.begin_ending(now, Cause::TooMuchOutput(cap));
        } else if self.deadline.is_some_and(|deadline| now >= deadline) {
            let limit = self.limits.time_limit.unwrap_or_default();
            self.begin_ending(now, Cause::TimedOut(limit));
        }
    }

    /// The child has ended. Other processes that hold its output may write until `until`, up to the
    /// same output limit.
    fn drain(&mut self, now: Instant, until: Instant) {
        let timed_out = now >= until;
        if timed_out {
            self.pump_rest();
        }
        if self.outputs_closed() {
            self.finish();
        } else if let Some(cap) = self.over_cap() {
            self.begin_ending(now, Cause::TooMuchOutput(cap));
        } else if timed_out {
            self.leaked = true;
            self.finish();
        } else {
            self.phase = Phase::Draining { until };
        }
    }

    fn step_terminating(
        &mut self,
        now: Instant,
        until: Instant,
        next_scan: Instant,
        scan: &mut ProcScan,
    ) {
        self.tree.release_ended();
        let all_ended = self.leader.exited() && self.tree.is_empty();
        if now >= until {
            self.begin_stopping(now, false);
        } else if all_ended || now >= next_scan {
            let signals = [Signal::TERM, Signal::CONT];
            self.tree.search(&self.leader, scan, &signals);
            if self.leader.exited() && self.tree.is_empty() {
                self.all_gone();
            } else {
                // On a system with many processes, spend at most a tenth of the time on scans.
                let pause = SCAN_EVERY.max(now.elapsed() * 10);
                self.phase = Phase::Terminating {
                    until,
                    next_scan: now + pause,
                };
            }
        }
    }

    fn step_stopping(&mut self, now: Instant, until: Instant, polite: bool, scan: &mut ProcScan) {
        let found = self.tree.search(&self.leader, scan, &[Signal::STOP]);
        if (found.all_stopped && !found.changed) || now >= until {
            self.strike(now, polite);
        } else {
            self.phase = Phase::Stopping {
                until,
                next_scan: now + STOP_SCAN_EVERY,
                polite,
            };
        }
    }

    fn step_killed(&mut self, now: Instant, until: Instant, scan: &mut ProcScan) {
        self.tree.release_ended();
        if self.leader.exited() && self.tree.is_empty() {
            // Finds a process whose fork was under way during the last scan.
            let found = self.tree.search(&self.leader, scan, &[Signal::KILL]);
            if self.tree.is_empty() && !found.changed {
                return self.all_gone();
            }
        }
        if now >= until {
            return self.give_up();
        }
        self.phase = Phase::Killed {
            until,
            next_scan: now + SCAN_EVERY,
        };
    }

    fn all_gone(&mut self) {
        // For processes that the scan cannot see, without /proc for instance.
        self.leader.signal_group(Signal::KILL);
        self.read_rest();
        self.finish();
    }

    fn give_up(&mut self) {
        self.read_rest();
        if self.leader.exited() {
            self.finish();
        } else {
            self.end_with(End::Stuck);
        }
    }

    /// Reads the rest of the output, and notes whether another process still holds it open.
    fn read_rest(&mut self) {
        self.pump_rest();
        self.leaked |= !self.outputs_closed();
    }

    fn pump_rest(&mut self) {
        self.stdout.pump_rest();
        self.stderr.pump_rest();
    }
}
