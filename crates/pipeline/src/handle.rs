use std::fmt;
use std::sync::Arc;

use crate::counts::{Counts, Gauge, Gauges, MAX_WORKERS, all_workers};
use crate::cut::Cut;
use crate::error::PipelineError;
use crate::sync::{Mutex, lock};
use crate::task_panic::drop_contained;

/// A hold on a pipeline from any other thread: [`counts`](Self::counts) says what is where, [`stop`](Self::stop) ends the
/// run.
///
/// It is got from [`Pipeline::handle`](crate::Pipeline::handle) before the run, is cheap to clone, borrows nothing and
/// keeps nothing running.
///
/// ```
/// use effective_pipeline::{Pipeline, PipelineError};
///
/// let pipeline = Pipeline::new().stage("double", 2, |n: u64| 2 * n);
/// let handle = pipeline.handle();
/// // An endless run, ended from another thread.
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

/// What a run shares with its handles: nothing that borrows.
pub(crate) struct Shared {
    pub(crate) cut: Cut<PipelineError>,
    /// Grows while the pipeline is built. A run takes its own parts out once, when it starts.
    gauges: Mutex<Arc<Gauges>>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            cut: Cut::new(),
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
    /// What is where. It costs the running threads nothing: they count anyway, each for itself.
    pub fn counts(&self) -> Counts {
        self.0.gauges().read()
    }

    /// End the run: no further item is begun, what is under way is dropped as soon as the stage's function returns, and
    /// the outputs end with [`PipelineError::Stopped`]. It does not wait for any of this. A run that has not started
    /// ends at once, and one that has ended is not affected.
    pub fn stop(&self) {
        drop_contained(self.0.cut.cut(0, PipelineError::Stopped));
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
