//! From raw samples to estimates, intervals, verdicts and ranks.
//!
//! Times have long tails, and two peaks where threads hand over work, so nothing here assumes a
//! normal distribution. Times are medians with bounds from order statistics; ratios are
//! Hodges–Lehmann estimates of paired log-ratios with bounds from the signed-rank test.

mod far;
mod lives;
mod looks;
mod paired;
mod rules;
mod signed_rank;
#[cfg(test)]
mod simulation;
mod summary;
mod table;
mod two_runs;
mod verdict;

pub use lives::counted;
pub use looks::confidences;
pub use paired::{Ratio, Timed, paired_ratio};
pub use rules::{BASELINE, Rules};
pub use signed_rank::fewest;
pub use summary::summarise;
pub use table::{between, judge_table};
pub use two_runs::{TwoRuns, deviation, two_runs};
pub use verdict::judge;
