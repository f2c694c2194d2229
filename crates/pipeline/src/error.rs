//! The errors of an item, of a run and of the settings.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::counts::MAX_WORKERS;
use crate::panic::TaskPanic;

/// The failure of an item: the stage, the item, and the cause.
///
/// `Display` and `source` are as for [`PipelineError`](PipelineError#display-and-source).
#[derive(Debug)]
pub struct ItemError {
    stage: Arc<str>,
    item: usize,
    cause: Cause,
}

/// The cause of an item's failure.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The stage's function returned this error.
    Error(Box<dyn Error + Send + Sync>),
    /// The stage's function panicked.
    Panic(TaskPanic),
}

impl ItemError {
    pub(crate) fn new(stage: &Arc<str>, item: usize, cause: Cause) -> Self {
        Self {
            stage: Arc::clone(stage),
            item,
            cause,
        }
    }

    /// The name of the stage.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// The index of the item among the inputs, from 0.
    pub fn item(&self) -> usize {
        self.item
    }

    /// The cause. To test for the type of an error that the stage returned:
    /// `matches!(error.cause(), Cause::Error(cause) if cause.is::<std::io::Error>())`.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The cause, by value.
    pub fn into_cause(self) -> Cause {
        self.cause
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, item, cause } = self;
        match cause {
            Cause::Error(error) => write!(f, "stage {stage:?}, item {item}: {error}"),
            Cause::Panic(panic) => write!(f, "stage {stage:?}, item {item}: {panic}"),
        }
    }
}

impl Error for ItemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Error(error) => error.source(),
            Cause::Panic(_) => None,
        }
    }
}

/// Settings that cannot work. Reported by the run, before anything starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A stage has 0 workers.
    NoWorkers {
        /// The name of the stage.
        stage: String,
    },
    /// The stages together have more than [`MAX_WORKERS`].
    TooManyWorkers(usize),
    /// The buffer has room for 0 items.
    NoBuffer,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers { stage } => {
                write!(f, "stage {stage:?} has 0 workers: give it at least 1")
            }
            Self::TooManyWorkers(workers) => write!(
                f,
                "a pipeline has at most {MAX_WORKERS} workers, not {workers}: give each stage as \
                 many as it can use"
            ),
            Self::NoBuffer => {
                f.write_str("a buffer for 0 items passes nothing on: make it at least 1")
            }
        }
    }
}

impl Error for BuildError {}

/// Why a pipeline did not start, or ended before its inputs did.
///
/// # Display and source
/// `Display` includes the text of the cause. [`source`](Error::source) is therefore not that cause
/// but the source of the cause, so that a report of the whole chain repeats nothing: the source of
/// a stage's own error, and none for a panic.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError {
    /// A setting cannot work.
    Build(BuildError),
    /// The system refused a thread. The threads that had started have ended, and no input was
    /// taken.
    Refused {
        /// The number of threads that had started.
        started: usize,
        /// The number of threads that the pipeline needs: its workers and one for the inputs.
        wanted: usize,
        /// The system's error.
        error: io::Error,
    },
    /// A stage failed on an item.
    Item(ItemError),
    /// The iterator of the inputs panicked.
    InputPanicked {
        /// The number of inputs before the panic, which is also the index of the missing one.
        item: usize,
        /// The panic.
        panic: TaskPanic,
    },
    /// [`Handle::stop`](crate::Handle::stop) was called.
    Stopped,
    /// The [`deadline`](crate::Pipeline::deadline) passed.
    TimedOut,
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Refused {
                started,
                wanted,
                error,
            } => write!(
                f,
                "the system refused a thread after {started} of {wanted} ({error}): use fewer \
                 workers or smaller stacks"
            ),
            Self::Item(error) => error.fmt(f),
            Self::InputPanicked { item, panic } => write!(
                f,
                "the iterator of the inputs, item {item}: {}",
                panic.message()
            ),
            Self::Stopped => f.write_str("the pipeline was stopped before it was done"),
            Self::TimedOut => f.write_str(
                "the pipeline timed out before it was done: allow more time, or give fewer items",
            ),
        }
    }
}

impl Error for PipelineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Item(error) => error.source(),
            Self::Refused { error, .. } => error.source(),
            _ => None,
        }
    }
}

impl From<ItemError> for PipelineError {
    fn from(error: ItemError) -> Self {
        Self::Item(error)
    }
}

impl From<BuildError> for PipelineError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}
