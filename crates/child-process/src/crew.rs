//! Children that run at the same time, and who starts the next one.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::Error;
use crate::command::Command;
use crate::drive::{self, Drive, Flags};
use crate::job::Job;
use crate::many::Completed;
use crate::start::start;
use crate::starter::{Starter, Work};
use crate::tree::Census;

/// The children that run now, and those that are still to be started.
#[derive(Debug)]
pub(crate) struct Crew<I: Iterator<Item = Command>> {
    commands: I,
    /// The index of the next command.
    next: usize,
    /// Those that the system refused to start.
    waiting: Vec<(usize, Command)>,
    /// It did so, and none has ended since: to ask again would be in vain.
    full: bool,
    exhausted: bool,
    /// All that run are being ended, and so is what is still being started.
    ended: bool,
    limit: usize,
    deadline: Option<Instant>,
    running: Vec<(usize, Job)>,
    done: VecDeque<Completed>,
    starter: Option<Starter<Started>>,
    /// What the starter has not begun yet is not started any more.
    stop: Arc<AtomicBool>,
    /// The calling thread may start a child while there is no other one to be watched.
    starts_alone: bool,
    /// One that was refused is being started again while no other runs: the answer is final.
    last_try: bool,
}

/// A command with its index, and what became of starting it.
type Started = (usize, Command, Result<Job, Error>);

impl<I: Iterator<Item = Command>> Crew<I> {
    /// At most so many at once, and until then.
    pub(crate) fn new(commands: I, limit: NonZeroUsize, deadline: Option<Instant>) -> Self {
        Self {
            commands,
            next: 0,
            waiting: Vec::new(),
            full: false,
            exhausted: false,
            ended: false,
            limit: limit.get(),
            deadline,
            running: Vec::new(),
            done: VecDeque::new(),
            starter: None,
            stop: Arc::default(),
            starts_alone: true,
            last_try: false,
        }
    }

    /// Never starts a child on the calling thread, which watches other children too.
    pub(crate) fn on_a_shared_thread(mut self) -> Self {
        self.starts_alone = false;
        self
    }

    /// The next result that was not handed out yet.
    pub(crate) fn next_done(&mut self) -> Option<Completed> {
        self.done.pop_front()
    }

    /// Whether there is such a result.
    pub(crate) fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// All results that were not handed out yet.
    pub(crate) fn done(&mut self) -> impl Iterator<Item = Completed> + '_ {
        self.done.drain(..)
    }

    /// Starts as many as there is room for, or until one cannot be started.
    pub(crate) fn fill(&mut self) {
        loop {
            self.receive();
            let starting = self.starting();
            let alone = self.running.is_empty() && starting == 0;
            let room = self.running.len() + starting < self.limit;
            if !room || self.last_try || (self.full && !alone) {
                return;
            }
            let Some((index, command)) = self.take() else {
                return;
            };
            if is_past(self.deadline) {
                let command = command.line();
                self.done
                    .push_back((index, Err(Error::NotStarted { command })));
                // One at a time: the list may be endless.
                return;
            }
            // No other child will make room for it, so the answer of the system is final.
            self.last_try = self.full;
            let work = self.work(index, command);
            if let Err(work) = self.hand_over(work, alone) {
                self.last_try |= alone;
                let started = work();
                self.settle(started);
                if self.has_done() {
                    return;
                }
            }
        }
    }

    fn work(&self, index: usize, command: Command) -> Work<Started> {
        let (stop, deadline) = (Arc::clone(&self.stop), self.deadline);
        Box::new(move || {
            let result = if stop.load(Ordering::Relaxed) || is_past(deadline) {
                let command = command.line();
                Err(Error::NotStarted { command })
            } else {
                start(&command)
            };
            (index, command, result)
        })
    }

    /// Has it started on another thread. Gives it back if the calling thread should start it.
    fn hand_over(&mut self, work: Work<Started>, alone: bool) -> Result<(), Work<Started>> {
        if self.starter.is_none() {
            // A thread for each start is not worth it if there is never more than one child.
            if self.starts_alone && alone {
                return Err(work);
            }
            self.starter = Starter::new().ok();
        }
        match &mut self.starter {
            Some(starter) => starter.give(work),
            None => Err(work),
        }
    }

    /// The number of children that are being started elsewhere.
    fn starting(&self) -> usize {
        self.starter.as_ref().map_or(0, Starter::at_hand)
    }

    /// Takes what was started meanwhile.
    fn receive(&mut self) {
        while let Some(started) = self.starter.as_mut().and_then(Starter::take) {
            self.settle(started);
        }
    }

    fn settle(&mut self, (index, command, result): Started) {
        let last_try = mem::take(&mut self.last_try);
        match result {
            Ok(job) => self.place(index, job),
            // Those that ran when it was refused may all have ended by now.
            Err(error) if refused(&error) && !last_try && !self.ended => {
                self.put_off(index, command);
            }
            Err(error) => self.done.push_back((index, Err(error))),
        }
    }

    fn place(&mut self, index: usize, mut job: Job) {
        if let Some(deadline) = self.deadline {
            job.end_by(deadline);
        }
        if self.ended {
            job.end(Duration::ZERO);
        }
        self.running.push((index, job));
    }

    fn put_off(&mut self, index: usize, command: Command) {
        self.waiting.push((index, command));
        self.full = true;
    }

    fn take(&mut self) -> Option<(usize, Command)> {
        if let Some(waiting) = self.waiting.pop() {
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
        self.ended = true;
        self.waiting.clear();
        self.stop.store(true, Ordering::Relaxed);
        for (_, job) in &mut self.running {
            job.end(Duration::ZERO);
        }
    }

    fn collect(&mut self) {
        let mut place = 0;
        while place < self.running.len() {
            if self.running[place].1.over() {
                let (index, mut job) = self.running.swap_remove(place);
                self.full = false;
                self.done.push_back((index, job.result()));
            } else {
                place += 1;
            }
        }
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
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
        if let Some(starter) = &self.starter {
            fds.push(PollFd::from_borrowed_fd(starter.bell(), PollFlags::IN));
        }
        for (_, job) in &self.running {
            job.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let jobs = self.running.iter().filter_map(|(_, job)| job.wake_at());
        // Something can be started at once.
        let refused = self.full || self.last_try;
        let room = self.running.len() + self.starting() < self.limit
            && !(self.exhausted && self.waiting.is_empty())
            && !refused;
        let slow_start = self.starter.as_ref().and_then(Starter::wake_at);
        jobs.chain(room.then(Instant::now)).chain(slow_start).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        if let Some(starter) = &mut self.starter {
            starter.tend(now, flags.next());
        }
        for (_, job) in &mut self.running {
            job.advance(now, flags, census);
        }
        self.collect();
        self.fill();
    }

    fn over(&self) -> bool {
        self.running.is_empty() && self.exhausted && self.waiting.is_empty() && self.starting() == 0
    }
}

/// All of them at once, and not one after the other.
impl<I: Iterator<Item = Command>> Drop for Crew<I> {
    fn drop(&mut self) {
        self.end();
        drive::until_over(self);
    }
}
