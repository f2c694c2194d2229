//! The set of running children of a list of commands, and the commands still to start.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::command::Command;
use crate::error::Error;
use crate::event_loop::{self, Drive, ReadyFlags};
use crate::finished::Finished;
use crate::monitor::state::Monitor;
use crate::spawner::{SpawnFn, Spawner};
use crate::start::start;
use crate::tree::proc_scan::ProcScan;

/// The index of a command in its list, and its result.
pub type Completed = (usize, Result<Finished, Error>);

/// The running children of a list, the commands still to start, and the results not yet taken.
#[derive(Debug)]
pub(crate) struct Batch<I: Iterator<Item = Command>> {
    commands: I,
    /// The index of the next command.
    next: usize,
    /// Commands that the system refused to start, to retry later.
    refused: Vec<(usize, Command)>,
    /// The system refused a start, and no child has ended since: a retry would fail again.
    full: bool,
    exhausted: bool,
    /// The list was cancelled: running children, and those being spawned, are killed.
    cancelled: bool,
    limit: usize,
    deadline: Option<Instant>,
    running: Vec<(usize, Monitor)>,
    completed: VecDeque<Completed>,
    spawner: Option<Spawner<Spawned>>,
    /// Set on cancellation: queued spawns are skipped.
    skip_spawns: Arc<AtomicBool>,
    /// The calling thread may spawn a child itself while no other child runs.
    spawns_inline: bool,
    /// A refused command is being started again while no other child runs, so the result is final.
    last_try: bool,
}

/// A command with its index, and the result of starting it.
type Spawned = (usize, Command, Result<Monitor, Error>);

impl<I: Iterator<Item = Command>> Batch<I> {
    /// Runs at most `limit` children at once, until `deadline`.
    pub(crate) fn new(commands: I, limit: NonZeroUsize, deadline: Option<Instant>) -> Self {
        Self {
            commands,
            next: 0,
            refused: Vec::new(),
            full: false,
            exhausted: false,
            cancelled: false,
            limit: limit.get(),
            deadline,
            running: Vec::new(),
            completed: VecDeque::new(),
            spawner: None,
            skip_spawns: Arc::default(),
            spawns_inline: true,
            last_try: false,
        }
    }

    /// Never spawns on the calling thread, because that thread serves other children too.
    pub(crate) fn without_inline_spawns(mut self) -> Self {
        self.spawns_inline = false;
        self
    }

    /// Takes the next result.
    pub(crate) fn next_completed(&mut self) -> Option<Completed> {
        self.completed.pop_front()
    }

    /// Whether there is a result to take.
    pub(crate) fn has_completed(&self) -> bool {
        !self.completed.is_empty()
    }

    /// Takes all results.
    pub(crate) fn drain_completed(&mut self) -> impl Iterator<Item = Completed> + '_ {
        self.completed.drain(..)
    }

    /// Starts commands until the limit is reached or the system refuses.
    pub(crate) fn fill(&mut self) {
        loop {
            self.receive();
            let spawning = self.spawning();
            let alone = self.running.is_empty() && spawning == 0;
            let room = self.running.len() + spawning < self.limit;
            if !room || self.last_try || (self.full && !alone) {
                return;
            }
            let Some((index, command)) = self.next_command() else {
                return;
            };
            if is_past(self.deadline) {
                let command = command.line();
                self.completed
                    .push_back((index, Err(Error::NotStarted { command })));
                // One per call: the list may be endless.
                return;
            }
            // No other child can make room for it, so another refusal is final.
            self.last_try = self.full;
            let spawn = self.spawn_fn(index, command);
            if let Err(spawn) = self.submit(spawn, alone) {
                self.last_try |= alone;
                let spawned = spawn();
                self.add(spawned);
                if self.has_completed() {
                    return;
                }
            }
        }
    }

    fn spawn_fn(&self, index: usize, command: Command) -> SpawnFn<Spawned> {
        let (skip, deadline) = (Arc::clone(&self.skip_spawns), self.deadline);
        Box::new(move || {
            let result = if skip.load(Ordering::Relaxed) || is_past(deadline) {
                let command = command.line();
                Err(Error::NotStarted { command })
            } else {
                start(&command)
            };
            (index, command, result)
        })
    }

    /// Submits a spawn to another thread. Returns it if the calling thread has to run it.
    fn submit(&mut self, spawn: SpawnFn<Spawned>, alone: bool) -> Result<(), SpawnFn<Spawned>> {
        if self.spawner.is_none() {
            // Spawner threads are not worth their price if only one child runs at a time.
            if self.spawns_inline && alone {
                return Err(spawn);
            }
            self.spawner = Spawner::new().ok();
        }
        match &mut self.spawner {
            Some(spawner) => spawner.submit(spawn),
            None => Err(spawn),
        }
    }

    /// The number of spawns submitted to other threads and not received yet.
    fn spawning(&self) -> usize {
        self.spawner.as_ref().map_or(0, Spawner::pending)
    }

    /// Takes over the children that other threads have spawned.
    fn receive(&mut self) {
        while let Some(spawned) = self.spawner.as_mut().and_then(Spawner::receive) {
            self.add(spawned);
        }
    }

    fn add(&mut self, (index, command, result): Spawned) {
        let last_try = mem::take(&mut self.last_try);
        match result {
            Ok(monitor) => self.add_running(index, monitor),
            // The children that caused the refusal may have ended since.
            Err(error) if is_shortage(&error) && !last_try && !self.cancelled => {
                self.refused.push((index, command));
                self.full = true;
            }
            Err(error) => self.completed.push_back((index, Err(error))),
        }
    }

    fn add_running(&mut self, index: usize, mut monitor: Monitor) {
        if let Some(deadline) = self.deadline {
            monitor.end_by(deadline);
        }
        if self.cancelled {
            monitor.end(Duration::ZERO);
        }
        self.running.push((index, monitor));
    }

    fn next_command(&mut self) -> Option<(usize, Command)> {
        if let Some(refused) = self.refused.pop() {
            return Some(refused);
        }
        if self.exhausted {
            return None;
        }
        // An iterator that is not fused may start again after `None`.
        let Some(command) = self.commands.next() else {
            self.exhausted = true;
            return None;
        };
        let index = self.next;
        self.next += 1;
        Some((index, command))
    }

    /// Starts to kill all running children, and starts no more.
    pub(crate) fn cancel(&mut self) {
        self.exhausted = true;
        self.cancelled = true;
        self.refused.clear();
        self.skip_spawns.store(true, Ordering::Relaxed);
        for (_, monitor) in &mut self.running {
            monitor.end(Duration::ZERO);
        }
    }

    fn collect(&mut self) {
        let mut position = 0;
        while position < self.running.len() {
            if self.running[position].1.over() {
                let (index, mut monitor) = self.running.swap_remove(position);
                self.full = false;
                self.completed.push_back((index, monitor.result()));
            } else {
                position += 1;
            }
        }
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// Whether the system refused a start for lack of a resource that may be free later.
fn is_shortage(error: &Error) -> bool {
    let Error::Start { error, .. } = error else {
        return false;
    };
    let shortages = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    error
        .raw_os_error()
        .is_some_and(|raw| shortages.contains(&Errno::from_raw_os_error(raw)))
}

impl<I: Iterator<Item = Command>> Drive for Batch<I> {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Some(spawner) = &self.spawner {
            fds.push(PollFd::from_borrowed_fd(spawner.event(), PollFlags::IN));
        }
        for (_, monitor) in &self.running {
            monitor.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let monitors = self
            .running
            .iter()
            .filter_map(|(_, monitor)| monitor.wake_at());
        let refused = self.full || self.last_try;
        let can_start = self.running.len() + self.spawning() < self.limit
            && !(self.exhausted && self.refused.is_empty())
            && !refused;
        let slow_spawn = self.spawner.as_ref().and_then(Spawner::wake_at);
        let times = monitors
            .chain(can_start.then(Instant::now))
            .chain(slow_spawn);
        times.min()
    }

    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan) {
        if let Some(spawner) = &mut self.spawner {
            spawner.advance(now, flags.next());
        }
        for (_, monitor) in &mut self.running {
            monitor.advance(now, flags, scan);
        }
        self.collect();
        self.fill();
    }

    fn over(&self) -> bool {
        self.running.is_empty() && self.exhausted && self.refused.is_empty() && self.spawning() == 0
    }
}

/// Kills all children at once, then waits for their end.
impl<I: Iterator<Item = Command>> Drop for Batch<I> {
    fn drop(&mut self) {
        self.cancel();
        event_loop::until_over(self);
    }
}
