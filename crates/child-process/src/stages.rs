//! The stages of a pipeline that run, and those that are still to be started.

use std::collections::VecDeque;
use std::io::{self, PipeReader, pipe};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::command::Command;
use crate::descriptor::above_standard;
use crate::drive::{self, Drive, Flags, after};
use crate::job::Job;
use crate::start::{Neighbours, start_between};
use crate::starter::{Starter, Work};
use crate::tree::Census;
use crate::{Error, Finished};

/// How often to look whether a stage that runs has closed its output.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A stage that was started, or was not.
#[derive(Debug)]
struct Stage {
    job: Result<Job, Error>,
    output: Output,
    /// It ended when nothing read its output any more, as far as is known.
    cut_short: bool,
}

/// This program's end of the pipe to the next stage, for as long as the stage writes to it.
///
/// While the end is open the next stage cannot see the end of its input. So if that stage has closed
/// its input when this one ends, it did so because it had read enough.
#[derive(Debug, Default)]
struct Output {
    pipe: Option<OwnedFd>,
    look: Option<Instant>,
}

impl Output {
    fn of(pipe: Option<OwnedFd>) -> Self {
        let look = pipe.as_ref().and_then(|_| after(LOOK_EVERY));
        Self { pipe, look }
    }

    /// Whether nothing reads it any more.
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
    /// Lets go of the pipe once the stage has ended, or does not write to it any more.
    fn tend(&mut self, now: Instant) {
        if self.output.pipe.is_none() {
            return;
        }
        let Ok(job) = &self.job else {
            return self.output.close();
        };
        if job.exited() || job.over() {
            self.cut_short = self.output.is_unread();
            self.output.close();
        } else if self.output.look.is_some_and(|look| now >= look) {
            if job.leader().has_as_stdout(self.output.pipe.as_ref()) {
                self.output.look = after(LOOK_EVERY);
            } else {
                // The next stage is to see the end of its input now, not when this one ends.
                self.output.close();
            }
        }
    }
}

/// The index of a stage and what became of starting it, with our end of the pipe to the next one.
type Started = (Result<Job, Error>, Option<OwnedFd>);

/// All stages of one run.
#[derive(Debug)]
pub(crate) struct Stages {
    begun: Vec<Stage>,
    waiting: VecDeque<Command>,
    /// What the next stage reads.
    input: Option<PipeReader>,
    deadline: Option<Instant>,
    starter: Option<Starter<Started>>,
    /// One was not started, so the others are ended and no more are started.
    failed: bool,
}

impl Stages {
    /// Starts the first stage. The calling thread watches no child yet, so it may stand still.
    pub(crate) fn of(commands: &[Command], timeout: Option<Duration>) -> Self {
        let mut stages = Self::on_a_shared_thread(commands, timeout);
        if let Some(work) = stages.next() {
            stages.settle(work());
        }
        stages
    }

    /// Starts all stages on another thread, once they are driven.
    pub(crate) fn on_a_shared_thread(commands: &[Command], timeout: Option<Duration>) -> Self {
        Self {
            begun: Vec::with_capacity(commands.len()),
            waiting: commands.iter().cloned().collect(),
            input: None,
            deadline: timeout.and_then(after),
            starter: None,
            failed: false,
        }
    }

    /// What starts the next stage. A child holds its own ends of pipes and no others.
    fn next(&mut self) -> Option<Work<Started>> {
        let command = self.waiting.pop_front()?;
        let mut neighbours = Neighbours {
            stdin: self.input.take(),
            stdout: None,
        };
        let mut own_end = None;
        if !self.waiting.is_empty() {
            match pipe() {
                Ok((reader, writer)) => {
                    // Without our own end it is less certain why a stage ends, and nothing else.
                    own_end = writer.try_clone().ok();
                    self.input = Some(reader);
                    neighbours.stdout = Some(writer);
                }
                Err(error) => return Some(Box::new(move || (Err(no_pipe(&command, error)), None))),
            }
        }
        Some(Box::new(move || {
            let own_end = own_end.and_then(|end| above_standard(end.into()).ok());
            (start_between(&command, neighbours), own_end)
        }))
    }

    fn settle(&mut self, (mut job, pipe): Started) {
        self.failed |= job.is_err();
        if let (Ok(job), Some(deadline)) = (&mut job, self.deadline) {
            job.end_by(deadline);
        }
        self.begun.push(Stage {
            job,
            output: Output::of(pipe),
            cut_short: true,
        });
        if self.failed {
            self.end();
        }
    }

    /// Starts the next stage on another thread, if none is being started.
    fn go_on(&mut self) {
        while self.starting() == 0
            && let Some(work) = self.next()
        {
            if self.starter.is_none() {
                self.starter = Starter::new().ok();
            }
            let refused = match &mut self.starter {
                Some(starter) => starter.give(work).err(),
                None => Some(work),
            };
            if let Some(work) = refused {
                self.settle(work());
            }
        }
    }

    fn starting(&self) -> usize {
        self.starter.as_ref().map_or(0, Starter::at_hand)
    }

    fn receive(&mut self) {
        while let Some(started) = self.starter.as_mut().and_then(Starter::take) {
            self.settle(started);
        }
    }

    fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.begun
            .iter()
            .filter_map(|stage| stage.job.as_ref().ok())
    }

    fn jobs_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        let jobs = self.begun.iter_mut();
        jobs.filter_map(|stage| stage.job.as_mut().ok())
    }

    /// Has all of them ended at once, and starts no more.
    pub(crate) fn end(&mut self) {
        self.failed = true;
        self.skip();
        self.jobs_mut().for_each(|job| job.end(Duration::ZERO));
    }

    /// Gives up those that were not begun, which stand behind the one that is being started.
    fn skip(&mut self) {
        if self.starting() > 0 {
            return;
        }
        self.input = None;
        for command in self.waiting.drain(..) {
            let command = command.line();
            self.begun.push(Stage {
                job: Err(Error::Skipped { command }),
                output: Output::default(),
                cut_short: false,
            });
        }
    }

    /// How each ended, and whether it did so when nothing read its output any more.
    pub(crate) fn results(&mut self) -> impl Iterator<Item = (Result<Finished, Error>, bool)> + '_ {
        let stages = self.begun.drain(..);
        stages.map(|stage| (stage.job.and_then(|mut job| job.result()), stage.cut_short))
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
        if let Some(starter) = &self.starter {
            fds.push(PollFd::from_borrowed_fd(starter.bell(), PollFlags::IN));
        }
        for job in self.jobs() {
            job.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let start = (!self.waiting.is_empty() && self.starting() == 0).then(Instant::now);
        let slow_start = self.starter.as_ref().and_then(Starter::wake_at);
        let looks = self.begun.iter().filter_map(|stage| stage.output.look);
        let jobs = self.jobs().filter_map(Job::wake_at);
        jobs.chain(looks).chain(start).chain(slow_start).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        if let Some(starter) = &mut self.starter {
            starter.tend(now, flags.next());
        }
        for stage in &mut self.begun {
            if let Ok(job) = &mut stage.job {
                job.advance(now, flags, census);
            }
            stage.tend(now);
        }
        self.receive();
        self.go_on();
    }

    fn over(&self) -> bool {
        self.waiting.is_empty() && self.starting() == 0 && self.jobs().all(Job::over)
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.end();
        drive::until_over(self);
    }
}
