//! What to wait for, and what happened.

use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use super::{Job, Phase};
use crate::drive::{Drive, Flags};
use crate::tree::Census;

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
        // A child that has not ended is held, so `advance` needs no second condition.
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
            // It had ended before it could be held: there is only its output to be read.
            Phase::Running if self.leader.exited() => Some(self.started),
            Phase::Running => self.deadline,
            Phase::Draining { until } => Some(until),
            Phase::Terminating { until, look }
            | Phase::Stopping { until, look, .. }
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
