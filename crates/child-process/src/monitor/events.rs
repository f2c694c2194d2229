//! The events that a monitor waits for, and its reaction to them.

use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use crate::event_loop::{Drive, ReadyFlags};
use crate::monitor::state::{Monitor, Phase};
use crate::tree::proc_scan::ProcScan;

impl Drive for Monitor {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if self.over() {
            return;
        }
        // Pipes come first, so that the last output of a child is read before its end is noticed.
        if let Some(pipe) = self.stdin.pending() {
            fds.push(PollFd::from_borrowed_fd(pipe, PollFlags::OUT));
        }
        for output in [&self.stdout, &self.stderr] {
            if let Some(pipe) = output.pipe() {
                fds.push(PollFd::from_borrowed_fd(pipe, PollFlags::IN));
            }
        }
        // A child that has not exited always has a descriptor, so `advance` checks `exited` only.
        if !self.leader.exited()
            && let Some(process) = self.leader.descriptor()
        {
            fds.push(PollFd::from_borrowed_fd(process, PollFlags::IN));
        }
        for process in self.tree.descriptors() {
            fds.push(PollFd::from_borrowed_fd(process, PollFlags::IN));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            // The child was reaped before it could be held, so only its output is left to read.
            Phase::Running if self.leader.exited() => Some(self.started),
            Phase::Running => self.deadline,
            Phase::Draining { until } => Some(until),
            Phase::Terminating { until, next_scan }
            | Phase::Stopping {
                until, next_scan, ..
            }
            | Phase::Killed { until, next_scan } => Some(until.min(next_scan)),
            Phase::Over => None,
        }
    }

    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan) {
        if self.over() {
            return;
        }
        let mut happened = false;
        // The order and the conditions are those of `interests`.
        if self.stdin.pending().is_some() && flags.next() {
            self.stdin.pump();
        }
        for output in [&mut self.stdout, &mut self.stderr] {
            if output.pipe().is_some() && flags.next() {
                output.pump();
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
            self.step(now, scan);
        }
    }

    fn over(&self) -> bool {
        self.phase == Phase::Over
    }
}
