//! From raw samples to medians, intervals, ranks and ties.
//!
//! Nothing here assumes a shape of the distribution: times have long tails, and two peaks where
//! threads hand over work. All intervals are of medians and come from order statistics.

mod median;
mod paired;
mod ratio;
mod summary;

pub use median::{median, median_interval};
pub use paired::paired_ratio;
pub use ratio::ratio_of_medians;
pub use summary::{BASELINE, counted, summarise};
