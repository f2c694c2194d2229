//! Pipelines: children that each read the output of the one before.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::command::Command;
use crate::error::Error;
use crate::event_loop;
use crate::finished::Finished;
use crate::reactor::watcher::copy_error;
use crate::stages::Stages;

impl Command {
    /// Pipes the standard output of this command into `next`: `a | b`.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// let piped = Command::new("seq").arg("5").pipe(Command::new("tail").args(["-n", "1"])).run();
    /// assert_eq!(piped.check()?.stdout, b"5\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn pipe(self, next: Command) -> Pipeline {
        Pipeline {
            stages: vec![self],
            time_limit: None,
        }
        .pipe(next)
    }
}

/// Commands that each read the standard output of the one before, created by [`Command::pipe`].
///
/// The input of the first command, the output of the last and the standard error of all are those
/// of the commands' settings. Each stage has a process group of its own.
///
/// As in a shell, a stage reads until all writers have closed its pipe. If a stage leaves a process
/// in the background that holds its standard output, the next stage waits for that process: the
/// [drain time](Command::drain) applies to captured output only. Let such a process write
/// elsewhere, or set a [time limit](Self::time_limit). At the time limit the running stages are
/// ended; the background processes of stages that have ended keep running.
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
/// let words: Vec<_> = last.stdout_text()?.split_whitespace().collect();
/// assert_eq!(words, ["1", "apple", "2", "pear"]);
/// # Ok::<(), effective_child_process::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    stages: Vec<Command>,
    time_limit: Option<Duration>,
}

impl Pipeline {
    /// Adds a stage that reads the output of the last one.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// let words = Command::new("printf").arg("b\\na\\nb\\n");
    /// let piped = words.pipe(Command::new("sort")).pipe(Command::new("uniq")).run();
    /// assert_eq!(piped.check()?.stdout, b"a\nb\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn pipe(mut self, next: Command) -> Self {
        self.stages.push(next);
        self
    }

    /// Limits how long the whole pipeline may run. At the limit all stages are ended, each with its
    /// own grace time. The time limits of the single commands apply as well.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_child_process::Command;
    ///
    /// let endless = Command::new("yes").pipe(Command::new("wc").arg("-l"));
    /// let piped = endless.time_limit(Duration::from_millis(50)).run();
    /// assert!(piped.check().unwrap_err().is_timeout());
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Runs all stages to their ends.
    ///
    /// If a stage cannot be started, the others are killed at once.
    pub fn run(&self) -> Piped {
        let mut stages = Stages::start_first(&self.stages, self.time_limit);
        event_loop::until_over(&mut stages);
        Piped::new(&mut stages)
    }

    /// Its stages, for a thread that serves other children too and must not block.
    pub(crate) fn stages(&self) -> Stages {
        Stages::new(&self.stages, self.time_limit)
    }

    /// The result if there is no thread to watch the stages, so that none is started.
    pub(crate) fn refused(&self, error: &io::Error) -> Piped {
        let refused = |command: &Command| {
            Err(Error::Watch {
                command: command.line(),
                error: copy_error(error),
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
    /// The result of each stage, in their order. The last one has the output of the pipeline.
    pub stages: Vec<Result<Finished, Error>>,
    /// For each stage whether its output had no reader left when it ended.
    cut_short: Vec<bool>,
}

impl Piped {
    pub(crate) fn new(stages: &mut Stages) -> Self {
        let (stages, cut_short) = stages.results().unzip();
        Self { stages, cut_short }
    }

    /// The exit status of each stage; `None` for a stage without one.
    pub fn statuses(&self) -> Vec<Option<ExitStatus>> {
        self.stages
            .iter()
            .map(|stage| match stage {
                Ok(finished) => Some(finished.status),
                Err(error) => error.finished().map(|finished| finished.status),
            })
            .collect()
    }

    /// The result of the last stage if no stage failed, like `set -o pipefail` in a shell.
    ///
    /// A stage that was ended by `SIGPIPE` has not failed if the next stage had closed its input,
    /// because that stage had read enough. If the next stage was still reading, it has failed: it
    /// wrote to some other closed pipe.
    ///
    /// # Errors
    /// The error of the first stage that could not be started or exceeded a limit; otherwise
    /// [`Error::Failed`] for the first stage that failed.
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
                // The stage that failed to start has an error of its own.
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
