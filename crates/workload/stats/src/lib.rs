//! Medians, their confidence intervals and ratios, without an assumption about the distribution.
//!
//! xtask uses them for comparisons, `workload-rivals` for benches.
#![forbid(unsafe_code)]

mod interval;
mod median;
mod ratio;

pub use interval::Interval;
pub use median::{median, median_interval, median_interval_at, middle};
pub use ratio::ratio_of_medians;
