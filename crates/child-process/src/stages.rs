//! The running stages of a pipeline, and the stages still to start.

use std::collections::VecDeque;
use std::io::{self, PipeReader, pipe};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::command::Command;
use crate::descriptor::above_standard;
use crate::error::Error;
use crate::event_loop::{self, Drive, ReadyFlags, after};
use crate::finished::Finished;
use crate::monitor::state::Monitor;
use crate::spawner::{SpawnFn, Spawner};
use crate::start::pipes::PipeEnds;
use crate::start::start_between;
use crate::tree::proc_scan::ProcScan;

/// How often to check whether a running stage has closed its output.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// A stage that was started or failed to start.
#[derive(Debug)]
struct Stage {
    monitor: Result<Monitor, Error>,
    output: Output,
    /// Whether its output had no reader left when it ended; true if unknown.
    cut_short: bool,
}

/// This program's copy of the writing end of the pipe to the next stage, kept while the stage
/// writes.
///
/// While this copy is open, the next stage cannot see the end of its input. So if that stage has
/// closed its input when this one ends, it had read enough.
#[derive(Debug, Default)]
struct Output {
    pipe: Option<OwnedFd>,
    next_check: Option<Instant>,
}

impl Output {
    fn new(pipe: Option<OwnedFd>) -> Self {
        let next_check = pipe.as_ref().and_then(|_| after(CHECK_EVERY));
        Self { pipe, next_check }
    }

    /// Whether the pipe has no reader left.
    fn is_unread(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| {
            let mut state = [PollFd::new(pipe, PollFlags::empty())];
            poll(&mut state, Some(&Timespec::default())).is_ok()
                && state[0].revents().contains(PollFlags::ERR)
        })
    }

    fn close(&mut self) {
        *self = Self::default();
    }
}

impl Stage {
    /// Closes this program's end once the stage has ended or no longer writes to the pipe.
    fn check_output(&mut self, now: Instant) {
        if self.output.pipe.is_none() {
            return;
        }
        let Ok(monitor) = &self.monitor else {
            return self.output.close();
        };
        if monitor.exited() || monitor.over() {
            self.cut_short = self.output.is_unread();
            self.output.close();
        } else if self.output.next_check.is_some_and(|due| now >= due) {
            if monitor.leader().has_as_stdout(self.output.pipe.as_ref()) {
                self.output.next_check = after(CHECK_EVERY);
            } else {
                // The next stage should see the end of its input now, not when this one ends.
                self.output.close();
            }
        }
    }
}

/// The result of starting a stage, with this program's end of the pipe to the next one.
type Spawned = (Result<Monitor, Error>, Option<OwnedFd>);

/// The stages of one run.
#[derive(Debug)]
pub(crate) struct Stages {
    started: Vec<Stage>,
    waiting: VecDeque<Command>,
    /// The pipe that the next stage reads.
    input: Option<PipeReader>,
    deadline: Option<Instant>,
    spawner: Option<Spawner<Spawned>>,
    /// A stage failed to start, or the run was cancelled: all are killed and no more are started.
    failed: bool,
}

impl Stages {
    /// Starts the first stage on the calling thread, which may block since it serves no child yet.
    pub(crate) fn start_first(commands: &[Command], time_limit: Option<Duration>) -> Self {
        let mut stages = Self::new(commands, time_limit);
        if let Some(spawn) = stages.next_spawn() {
            stages.add(spawn());
        }
        stages
    }

    /// Starts nothing yet; the event loop starts all stages through a spawner thread.
    pub(crate) fn new(commands: &[Command], time_limit: Option<Duration>) -> Self {
        Self {
            started: Vec::with_capacity(commands.len()),
            waiting: commands.iter().cloned().collect(),
            input: None,
            deadline: time_limit.and_then(after),
            spawner: None,
            failed: false,
        }
    }

    /// The closure that spawns the next stage. A child holds its own pipe ends and no others.
    fn next_spawn(&mut self) -> Option<SpawnFn<Spawned>> {
        let command = self.waiting.pop_front()?;
        let mut ends = PipeEnds {
            stdin: self.input.take(),
            stdout: None,
        };
        let mut own_end = None;
        if !self.waiting.is_empty() {
            match pipe() {
                Ok((reader, writer)) => {
                    // Without this copy it is only less certain why a stage ended.
                    own_end = writer.try_clone().ok();
                    self.input = Some(reader);
                    ends.stdout = Some(writer);
                }
                Err(error) => return Some(Box::new(move || (Err(no_pipe(&command, error)), None))),
            }
        }
        Some(Box::new(move || {
            let own_end = own_end.and_then(|end| above_standard(end.into()).ok());
            (start_between(&command, ends), own_end)
        }))
    }

    fn add(&mut self, (mut monitor, pipe): Spawned) {
        self.failed |= monitor.is_err();
        if let (Ok(monitor), Some(deadline)) = (&mut monitor, self.deadline) {
            monitor.end_by(deadline);
        }
        self.started.push(Stage {
            monitor,
            output: Output::new(pipe),
            cut_short: true,
        });
        if self.failed {
            self.cancel();
        }
    }

    /// Starts the next stage on another thread, unless a stage is being spawned.
    fn start_next(&mut self) {
        while self.spawning() == 0
            && let Some(spawn) = self.next_spawn()
        {
            if self.spawner.is_none() {
                self.spawner = Spawner::new().ok();
            }
            let refused = match &mut self.spawner {
                Some(spawner) => spawner.submit(spawn).err(),
                None => Some(spawn),
            };
            if let Some(spawn) = refused {
                self.add(spawn());
            }
        }
    }

    fn spawning(&self) -> usize {
        self.spawner.as_ref().map_or(0, Spawner::pending)
    }

    fn receive(&mut self) {
        while let Some(spawned) = self.spawner.as_mut().and_then(Spawner::receive) {
            self.add(spawned);
        }
    }

    fn monitors(&self) -> impl Iterator<Item = &Monitor> {
        self.started
            .iter()
            .filter_map(|stage| stage.monitor.as_ref().ok())
    }

    fn monitors_mut(&mut self) -> impl Iterator<Item = &mut Monitor> {
        let monitors = self.started.iter_mut();
        monitors.filter_map(|stage| stage.monitor.as_mut().ok())
    }

    /// Starts to kill all stages, and starts no more.
    pub(crate) fn cancel(&mut self) {
        self.failed = true;
        self.skip_waiting();
        self.monitors_mut()
            .for_each(|monitor| monitor.end(Duration::ZERO));
    }

    /// Skips the stages that are still to start. While a stage is being spawned it does nothing,
    /// since its result comes before theirs.
    fn skip_waiting(&mut self) {
        if self.spawning() > 0 {
            return;
        }
        self.input = None;
        for command in self.waiting.drain(..) {
            let command = command.line();
            self.started.push(Stage {
                monitor: Err(Error::Skipped { command }),
                output: Output::default(),
                cut_short: false,
            });
        }
    }

    /// The result of each stage, and whether its output had no reader left when it ended.
    pub(crate) fn results(&mut self) -> impl Iterator<Item = (Result<Finished, Error>, bool)> + '_ {
        let stages = self.started.drain(..);
        stages.map(|stage| {
            (
                stage.monitor.and_then(|mut monitor| monitor.result()),
                stage.cut_short,
            )
        })
    }
}

fn no_pipe(command: &Command, error: io::Error) -> Error {
    Error::Start {
        command: command.line(),
        hint: "run fewer at once, or raise the limit of open files",
        error,
    }
}

impl Drive for Stages {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Some(spawner) = &self.spawner {
            fds.push(PollFd::from_borrowed_fd(spawner.event(), PollFlags::IN));
        }
        for monitor in self.monitors() {
            monitor.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let start = (!self.waiting.is_empty() && self.spawning() == 0).then(Instant::now);
        let slow_spawn = self.spawner.as_ref().and_then(Spawner::wake_at);
        let checks = self
            .started
            .iter()
            .filter_map(|stage| stage.output.next_check);
        let monitors = self.monitors().filter_map(Monitor::wake_at);
        monitors.chain(checks).chain(start).chain(slow_spawn).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan) {
        if let Some(spawner) = &mut self.spawner {
            spawner.advance(now, flags.next());
        }
        for stage in &mut self.started {
            if let Ok(monitor) = &mut stage.monitor {
                monitor.advance(now, flags, scan);
            }
            stage.check_output(now);
        }
        self.receive();
        self.start_next();
    }

    fn over(&self) -> bool {
        self.waiting.is_empty() && self.spawning() == 0 && self.monitors().all(Monitor::over)
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.cancel();
        event_loop::until_over(self);
    }
}
