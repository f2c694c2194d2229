use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::counts::MAX_WORKERS;
use crate::task_panic::TaskPanic;

/// Why an item did not get through: which stage, which item, and what happened.
///
/// `Display` and `source` are as of [`PipelineError`](PipelineError#display-and-source).
#[derive(Debug)]
pub struct ItemError {
    stage: Arc<str>,
    item: usize,
    cause: Cause,
}

/// What happened to an item in a stage.
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

    /// What happened. An error that the stage returned can be asked for by its type:
    /// `matches!(error.cause(), Cause::Error(cause) if cause.is::<std::io::Error>())`.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What happened, by value.
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

/// Why a pipeline did not start, or ended before its inputs did.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: the source of a stage's own error, and nothing
/// behind a panic.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stage failed on an item.
    Item(ItemError),
    /// The iterator of the inputs panicked.
    InputPanicked {
        /// The index that its next item would have had: so many items came before.
        item: usize,
        /// The panic.
        panic: TaskPanic,
    },
    /// [`Handle::stop`](crate::Handle::stop) was called.
    Stopped,
    /// The deadline passed.
    DeadlinePassed,
    /// The system refused a thread. Those that had started are gone, and no input was taken.
    Refused {
        /// How many threads had started.
        started: usize,
        /// How many the pipeline needs: its workers and one for the inputs.
        wanted: usize,
        /// What the system said.
        error: io::Error,
    },
    /// A stage of 0 workers.
    NoWorkers {
        /// The name of the stage.
        stage: String,
    },
    /// More than [`MAX_WORKERS`] in all stages together.
    TooManyWorkers(usize),
    /// A buffer for 0 items.
    NoBuffer,
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(error) => error.fmt(f),
            Self::InputPanicked { item, panic } => write!(
                f,
                "the iterator of the inputs, item {item}: {}",
                panic.message()
            ),
            Self::Stopped => f.write_str("the pipeline was stopped before it was done"),
            Self::DeadlinePassed => f.write_str(
                "the time was up before the pipeline was done: allow more time, or give fewer items",
            ),
            Self::Refused {
                started,
                wanted,
                error,
            } => write!(
                f,
                "the system refused a thread after {started} of {wanted} ({error}): use fewer workers or smaller stacks"
            ),
            Self::NoWorkers { stage } => {
                write!(f, "stage {stage:?} has 0 workers: give it at least 1")
            }
            Self::TooManyWorkers(workers) => write!(
                f,
                "a pipeline has at most {MAX_WORKERS} workers, not {workers}: give each stage as many as it can use"
            ),
            Self::NoBuffer => {
                f.write_str("a buffer for 0 items passes nothing on: make it at least 1")
            }
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
