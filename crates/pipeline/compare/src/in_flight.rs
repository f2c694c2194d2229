//! A count of the items inside a pipeline.

use std::sync::atomic::{AtomicUsize, Ordering};

use workload::model::Batch;

/// The number of items between the entrance and the exit, and its peak; counted in the untimed
/// trace only.
pub(crate) struct InFlight {
    is_counted: bool,
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl InFlight {
    pub(crate) fn of(batch: &Batch) -> InFlight {
        InFlight {
            is_counted: batch.is_traced(),
            now: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    pub(crate) fn enter(&self) {
        if self.is_counted {
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.peak.fetch_max(now, Ordering::Relaxed);
        }
    }

    pub(crate) fn leave(&self) {
        if self.is_counted {
            self.now.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn report(&self, batch: &Batch) {
        let peak = self.peak.load(Ordering::Relaxed);
        batch.metric("items_in_flight_peak", peak as f64);
    }
}
