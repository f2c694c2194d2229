//! The recording that all clones of a recorder share.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::clocks::ns;
use crate::lane::Lane;
use crate::sink::{Counts, Sink};

/// The numbers of a finished recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// The tasks in the trace.
    pub tasks: u64,
    /// Tasks that had begun and not ended when the recording ended. They are not in the trace.
    pub unfinished: u64,
    /// Tasks inside another task, of which they are a part.
    pub nested: u64,
    /// Tasks beyond the million that a trace holds.
    pub over: u64,
}

#[derive(Debug)]
pub(crate) struct Shared {
    created: Instant,
    sink: Sink,
    lanes: Mutex<Lanes>,
}

#[derive(Debug, Default)]
struct Lanes {
    /// Those of living threads.
    open: Vec<Arc<Lane>>,
    threads: u32,
    /// The counts of the lanes of ended threads.
    started: u64,
    nested: u64,
    finished: Option<Summary>,
}

impl Shared {
    pub(crate) fn create(path: &Path) -> io::Result<Shared> {
        Ok(Shared {
            created: Instant::now(),
            sink: Sink::create(path)?,
            lanes: Mutex::default(),
        })
    }

    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Nanoseconds since the recorder was made.
    pub(crate) fn since_created(&self, at: Instant) -> u64 {
        ns(at.saturating_duration_since(self.created))
    }

    pub(crate) fn open_lane(&self) -> Arc<Lane> {
        // In a forked child the lock may be held by a thread that does not exist there.
        if !self.sink.is_mine() {
            return Arc::new(Lane::new(0, true));
        }
        let mut lanes = self.lanes();
        let lane = Arc::new(Lane::new(lanes.threads, lanes.finished.is_some()));
        lanes.threads = lanes.threads.wrapping_add(1);
        lanes.open.push(Arc::clone(&lane));
        lane
    }

    /// Closes the lane of a thread that ends.
    pub(crate) fn retire(&self, lane: &Arc<Lane>) {
        // As in `open_lane`.
        if !self.sink.is_mine() {
            return;
        }
        let mut lanes = self.lanes();
        lane.close(&self.sink);
        lanes.open.retain(|open| !Arc::ptr_eq(open, lane));
        lanes.count(lane);
    }

    /// Ends the recording. Further calls return the same numbers.
    pub(crate) fn finish(&self) -> io::Result<Summary> {
        if !self.sink.is_mine() {
            return Ok(Summary::default());
        }
        self.sink.close();
        let mut lanes = self.lanes();
        if let Some(summary) = lanes.finished {
            return Ok(summary);
        }
        for lane in std::mem::take(&mut lanes.open) {
            lane.close(&self.sink);
            lanes.count(&lane);
        }
        let (started, nested) = (lanes.started, lanes.nested);
        // From here on there is nothing to add, whether or not the last line can be written.
        lanes.finished = Some(Summary::default());
        let written = self.sink.finish(|tasks| Counts {
            unfinished: started.saturating_sub(tasks),
            nested,
        })?;
        let summary = Summary {
            tasks: written.tasks,
            unfinished: written.counts.unfinished,
            nested,
            over: written.over,
        };
        lanes.finished = Some(summary);
        Ok(summary)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn count(&mut self, lane: &Lane) {
        self.started += lane.started.swap(0, Ordering::Relaxed);
        self.nested += lane.nested.swap(0, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            // There is no caller to hand the error to, and a trace that is cut off is no news only
            // to those who look at it.
            // Not `eprintln!`, which panics where standard error is closed.
            let _ = writeln!(io::stderr(), "job-trace: {error}");
        }
    }
}
