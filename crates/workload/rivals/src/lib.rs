//! The harness of the benches in `crates/*/rivals`: paired rounds, ratios with intervals, and an
//! A/A run.
//!
//! A [`Contest`] does the same work with our model and with its rivals. In each round every
//! contender runs once, in shuffled order, and ours twice. So drift of the machine affects all
//! alike, ratios are taken within a round, and the two runs of ours show how much of a ratio is
//! noise. The output is Markdown tables, so that a README can quote them.
//!
//! ```no_run
//! use std::time::Duration;
//! use workload_rivals::{Contest, Settings, timed};
//!
//! fn main() {
//!     let settings = Settings::from_args();
//!     Contest::new("add up", "number", 1_000_000)
//!         .ours("a fold", || timed(|| (0..1_000_000_u64).fold(0, |sum, n| sum ^ n)))
//!         .rival("a loop", || {
//!             timed(|| {
//!                 let mut sum = 0;
//!                 for n in 0..1_000_000_u64 {
//!                     sum ^= n;
//!                 }
//!                 sum
//!             })
//!         })
//!         .limit("nothing at all", || Duration::from_nanos(1))
//!         .reach_best_rival(1.1)
//!         .run(&settings);
//! }
//! ```
#![forbid(unsafe_code)]

mod contest;
mod settings;
mod shuffle;
mod verdict;

pub use contest::Contest;
pub use settings::Settings;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Times `work`. Its result is dropped afterwards.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let value = black_box(work());
    let elapsed = start.elapsed();
    drop(value);
    elapsed
}
