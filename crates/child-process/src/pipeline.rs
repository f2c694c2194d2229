//! Children of which each reads what the one before it writes.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::command::Command;
use crate::drive;
use crate::reactor::same;
use crate::stages::Stages;
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
/// As in a shell, a stage reads until everything that holds the other end of its pipe has closed it.
/// If a stage leaves a process in the background that holds its standard output, the next stage waits
/// for that process: the [drain time](Command::drain) holds only for output that is captured. Let such
/// a process write elsewhere, or set a [time limit](Self::timeout). At the time limit the stages that
/// run are ended; what an ended stage had left in the background runs on.
///
/// ```
/// use effective_child_process::Command;
///
/// let piped = Command::new("printf")
///     .arg("pear\\napple\\npear\\n")
///     .pipe(Command::new("sort"))
///     .pipe(Command::new("uniq").arg("-c"))
///     .run();
/// let last = piped.check()?;
/// assert_eq!(last.stdout_text()?.split_whitespace().collect::<Vec<_>>(), ["1", "apple", "2", "pear"]);
/// # Ok::<(), effective_child_process::Error>(())
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
        let mut stages = Stages::of(&self.stages, self.timeout);
        drive::until_over(&mut stages);
        Piped::of(&mut stages)
    }

    /// Its stages, to be started and driven on a thread that watches other children too.
    pub(crate) fn on_a_shared_thread(&self) -> Stages {
        Stages::on_a_shared_thread(&self.stages, self.timeout)
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
            cut_short: vec![false; self.stages.len()],
        }
    }
}

/// How each stage of a pipeline ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Piped {
    /// One for each stage, in their order. The last one's has the output of the pipeline.
    pub stages: Vec<Result<Finished, Error>>,
    /// For each stage whether it ended when nothing read its output any more.
    cut_short: Vec<bool>,
}

impl Piped {
    pub(crate) fn of(stages: &mut Stages) -> Self {
        let (stages, cut_short) = stages.results().unzip();
        Self { stages, cut_short }
    }

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

    /// The last stage, if none failed: what `set -o pipefail` is in a shell. A stage that was ended by `SIGPIPE` has not
    /// failed if the next one had closed its input before, since that had read enough. One that was ended by `SIGPIPE`
    /// while the next one still read has failed: it wrote to something else that was closed.
    ///
    /// # Errors
    /// That of the first stage that could not be started or was over a limit; else [`Error::Failed`] of the first stage
    /// that failed.
    pub fn check(self) -> Result<Finished, Error> {
        let last = self.stages.len().saturating_sub(1);
        let mut failed = None;
        let mut finished = None;
        for (index, stage) in self.stages.into_iter().enumerate() {
            let cut_short = self.cut_short.get(index) == Some(&true);
            match stage {
                Ok(stage) => {
                    let enough = index < last
                        && cut_short
                        && stage.status.signal() == Some(Signal::PIPE.as_raw());
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
