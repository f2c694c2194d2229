//! How the benches of `crates/*/rivals` are run: paired rounds, ratios with intervals, an A/A run.
//!
//! A [`Contest`] does the same work with our model and with its rivals. In each round everybody works once, in a shuffled
//! order, and ours twice: so drift of the machine hits all alike, ratios are taken within a round, and the two runs of
//! ours say how much of a ratio is noise. Printed are Markdown tables, so that a README can quote them as they are.
//!
//! ```no_run
//! use std::time::Duration;
//! use workload_rivals::{Contest, Settings, timed};
//!
//! fn main() {
//!     let settings = Settings::from_args();
//!     Contest::new("add up", "number", 1_000_000)
//!         .ours("a fold", || timed(|| (0..1_000_000_u64).fold(0, |sum, n| sum ^ n)))
//!         .rival("a loop", || timed(|| { let mut sum = 0; for n in 0..1_000_000_u64 { sum ^= n } sum }))
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

/// How long `work` takes. What it returns is dropped afterwards.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let value = black_box(work());
    let elapsed = start.elapsed();
    drop(value);
    elapsed
}
