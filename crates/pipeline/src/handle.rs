//! The handle to a run, and the state behind it.

use std::fmt;
use std::sync::Arc;

use crate::counts::{Counts, Gauge, Gauges, MAX_WORKERS, all_workers};
use crate::error::PipelineError;
use crate::panic::drop_quietly;
use crate::protocols::stop_at::StopAt;
use crate::sync::{Mutex, lock};

/// A handle to a pipeline for any other thread: [`counts`](Self::counts) reads its counters, and
/// [`stop`](Self::stop) ends the run.
///
/// [`Pipeline::handle`](crate::Pipeline::handle) makes it before the run. It is cheap to clone,
/// borrows nothing and keeps nothing running.
///
/// ```
/// use effective_pipeline::{Pipeline, PipelineError};
///
/// let pipeline = Pipeline::new().stage("double", 2, |n: u64| 2 * n);
/// let handle = pipeline.handle();
/// // An endless run, stopped from another thread.
/// let ended = std::thread::scope(|scope| {
///     scope.spawn(|| {
///         while handle.counts().delivered < 100 {
///             std::thread::yield_now();
///         }
///         handle.stop();
///     });
///     pipeline.for_each(0.., |_| {})
/// });
/// assert!(matches!(ended, Err(PipelineError::Stopped)));
/// let double = &handle.counts().stages[0];
/// assert!(double.done >= 100 && double.failed == 0);
/// ```
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

/// The state that a run shares with its handles. Borrows nothing.
pub(crate) struct Shared {
    pub(crate) stop_at: StopAt<PipelineError>,
    /// Grows while the pipeline is built. A run fetches its part once, when it starts.
    gauges: Mutex<Arc<Gauges>>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            stop_at: StopAt::new(),
            gauges: Mutex::default(),
        }
    }

    pub(crate) fn add_stage(&self, name: Arc<str>, workers: usize) {
        let mut gauges = lock(&self.gauges);
        let mut stages = gauges.stages.clone();
        let most = MAX_WORKERS.saturating_sub(all_workers(&stages));
        stages.push(Arc::new(Gauge::new(name, workers, most)));
        *gauges = Arc::new(Gauges {
            stages,
            ..Gauges::default()
        });
    }

    pub(crate) fn gauges(&self) -> Arc<Gauges> {
        Arc::clone(&lock(&self.gauges))
    }
}

impl Handle {
    /// The counters. Reading them costs the running threads nothing: each counts for itself anyway.
    pub fn counts(&self) -> Counts {
        self.0.gauges().read()
    }

    /// Ends the run: no further item is begun, items in flight are dropped as soon as the stage
    /// function returns, and the outputs end with [`PipelineError::Stopped`]. Does not wait for any
    /// of this. A run that has not started ends at once, and one that has ended is not affected.
    pub fn stop(&self) {
        drop_quietly(self.0.stop_at.lower(0, PipelineError::Stopped));
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
