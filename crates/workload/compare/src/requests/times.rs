//! Histograms of response times and of the lateness of requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Times in nanoseconds, to three digits (at most one in a thousand off), up to an hour.
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Times {
        let hour = 3_600_000_000_000;
        Times(Histogram::new_with_bounds(1, hour, 3).expect("these bounds are good"))
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns.max(1));
    }

    /// Adds `name_p50_ns`, `name_p90_ns`, `name_p99_ns`, `name_p999_ns` and `name_max_ns`.
    pub(crate) fn write_to(&self, name: &str, metrics: &mut BTreeMap<String, f64>) {
        for (quantile, label) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p999")] {
            let value = self.0.value_at_quantile(quantile) as f64;
            metrics.insert(format!("{name}_{label}_ns"), value);
        }
        metrics.insert(format!("{name}_max_ns"), self.0.max() as f64);
    }
}
