//! Children of which each reads what the one before it writes.

use std::io::{self, pipe};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::PollFd;
use rustix::process::Signal;

use crate::command::Command;
use crate::drive::{self, Drive, Flags, after};
use crate::job::Job;
use crate::reactor::same;
use crate::start::{Neighbours, start_between};
use crate::tree::Census;
use crate::{Error, Finished};

impl Command {
    /// Has `next` read what this one writes: `a | b`.
    pub fn pipe(self, next: Command) -> Pipeline {
        Pipeline {
            stages: vec![self],
            timeout: None,
        }
        .pipe(next)
    }
}

/// Commands of which each reads what the one before it writes, made by [`Command::pipe`].
///
/// The first one's input, the last one's output and everybody's standard error are as their commands say. Each is in a
/// process group of its own.
///
/// ```
/// use child_process::Command;
///
/// let piped = Command::new("printf")
///     .arg("pear\\napple\\npear\\n")
///     .pipe(Command::new("sort"))
///     .pipe(Command::new("uniq").arg("-c"))
///     .run();
/// let last = piped.check()?;
/// assert_eq!(last.stdout_text()?.split_whitespace().collect::<Vec<_>>(), ["1", "apple", "2", "pear"]);
/// # Ok::<(), child_process::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    stages: Vec<Command>,
    timeout: Option<Duration>,
}

impl Pipeline {
    /// Has `next` read what the last one writes.
    pub fn pipe(mut self, next: Command) -> Self {
        self.stages.push(next);
        self
    }

    /// The time for all of them together. Then all are ended, each with its own grace time. Time limits of the single
    /// commands hold as well.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Runs all of them to their ends.
    ///
    /// A stage that cannot be started ends the others at once.
    pub fn run(&self) -> Piped {
        let mut stages = self.start();
        drive::until_over(&mut stages);
        stages.results()
    }

    /// There is no thread to watch them, so none is started.
    pub(crate) fn refused(&self, error: &io::Error) -> Piped {
        let refused = |command: &Command| {
            Err(Error::Watch {
                command: command.line(),
                error: same(error),
            })
        };
        Piped {
            stages: self.stages.iter().map(refused).collect(),
        }
    }

    pub(crate) fn start(&self) -> Stages {
        let deadline = self.timeout.and_then(after);
        let mut stages = Stages {
            running: Vec::with_capacity(self.stages.len()),
        };
        let mut input = None;
        let mut failed = false;
        for (index, command) in self.stages.iter().enumerate() {
            let mut neighbours = Neighbours {
                stdin: input.take(),
                stdout: None,
            };
            let mut started = Ok(());
            if index + 1 < self.stages.len() {
                // Only now: each child is to hold its own ends and no others.
                started = pipe().map(|(reader, writer)| {
                    input = Some(reader);
                    neighbours.stdout = Some(writer);
                });
            }
            let stage = match started {
                _ if failed => Err(Error::Skipped {
                    command: command.line(),
                }),
                Ok(()) => start_between(command, neighbours),
                Err(error) => Err(Error::Start {
                    command: command.line(),
                    hint: "run fewer at once, or raise the limit of open files",
                    error,
                }),
            };
            failed |= stage.is_err();
            stages.running.push(stage.map(|mut job| {
                if let Some(deadline) = deadline {
                    job.end_by(deadline);
                }
                job
            }));
        }
        if failed {
            stages.end();
        }
        stages
    }
}

/// How each stage of a pipeline ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Piped {
    /// One for each stage, in their order. The last one's has the output of the pipeline.
    pub stages: Vec<Result<Finished, Error>>,
}

impl Piped {
    /// The exit statuses, where there are any, in the order of the stages.
    pub fn statuses(&self) -> Vec<Option<ExitStatus>> {
        self.stages
            .iter()
            .map(|stage| match stage {
                Ok(finished) => Some(finished.status),
                Err(error) => error.finished().map(|finished| finished.status),
            })
            .collect()
    }

    /// The last stage, if none failed: what `set -o pipefail` is in a shell. A stage that was ended by `SIGPIPE` because
    /// the next one had read enough has not failed.
    ///
    /// # Errors
    /// That of the first stage that could not be started or was over a limit; else [`Error::Failed`] of the first stage
    /// that failed.
    pub fn check(self) -> Result<Finished, Error> {
        let last = self.stages.len().saturating_sub(1);
        let mut failed = None;
        let mut finished = None;
        for (index, stage) in self.stages.into_iter().enumerate() {
            match stage {
                Ok(stage) => {
                    let enough =
                        index < last && stage.status.signal() == Some(Signal::PIPE.as_raw());
                    if !stage.success() && !enough && failed.is_none() {
                        failed = Some(Error::Failed(Box::new(stage)));
                    } else if index == last {
                        finished = Some(stage);
                    }
                }
                // Not started only because another one could not be, and that one's error is here as well.
                Err(Error::Skipped { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match (failed, finished) {
            (Some(error), _) => Err(error),
            (None, Some(finished)) => Ok(finished),
            (None, None) => unreachable!("a pipeline has a last stage"),
        }
    }
}

/// The stages that run.
#[derive(Debug)]
pub(crate) struct Stages {
    running: Vec<Result<Job, Error>>,
}

impl Stages {
    fn jobs(&mut self) -> impl Iterator<Item = &mut Job> {
        self.running
            .iter_mut()
            .filter_map(|stage| stage.as_mut().ok())
    }

    /// Has all of them ended at once.
    pub(crate) fn end(&mut self) {
        self.jobs().for_each(|job| job.end(Duration::ZERO));
    }

    /// How each ended.
    pub(crate) fn results(&mut self) -> Piped {
        let stages = self.running.drain(..).map(|stage| stage?.result());
        Piped {
            stages: stages.collect(),
        }
    }
}

impl Drive for Stages {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        for job in self.running.iter().flatten() {
            job.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.running.iter().flatten().filter_map(Job::wake_at).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        for job in self.jobs() {
            job.advance(now, flags, census);
        }
    }

    fn over(&self) -> bool {
        self.running.iter().flatten().all(Job::over)
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.end();
        drive::until_over(self);
    }
}
