//! The arguments of `advise`, and the twins that it asks a comparison for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use workload::definition::{Definition, Scale};

use super::value::{duration, iterations, margin, seed, tasks};

/// Where `advise` leaves its advice, seen from the root of the workspace.
pub const ADVICE_OUTPUT: &str = "target/advise";

/// The longest name of a twin's workload that leaves room for its suffix.
const MOST_NAME: usize = 40;

/// The arguments of `advise`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct AdviseArgs {
    /// The job: the folder of a crate that `new job` wrote, a workload file (.toml), or a recorded
    /// trace (.jsonl)
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// Time for all samples but each cell's first, at most 1h [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// The difference that matters, at most 50%
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = margin)]
    pub margin: f64,
    /// The number of tasks, 1 to 10000000 [default: what the job says]
    #[arg(long, value_name = "N", value_parser = tasks, allow_negative_numbers = true)]
    pub tasks: Option<usize>,
    /// The seed of the inputs [default: what the job says]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Skip the calibration: this many iterations are a microsecond of computing
    #[arg(long, value_name = "N", value_parser = iterations, allow_negative_numbers = true)]
    pub iterations_per_us: Option<u64>,
    /// Only these models; may be repeated. `sequential` always runs
    #[arg(long = "model", value_name = "NAME[/VARIANT]", value_parser = super::value::model)]
    pub models: Vec<String>,
    /// Where advice.json and results.json go
    #[arg(long, value_name = "DIR", default_value = ADVICE_OUTPUT)]
    pub output: PathBuf,
}

/// A workload with other tasks, to find out whether another model would win then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Twin {
    /// At the end of its name.
    pub suffix: &'static str,
    /// Its times.
    pub scale: Scale,
}

impl Twin {
    /// The twin of this workload.
    pub(crate) fn of(&self, definition: &Definition) -> Definition {
        let name = definition.name.chars().take(MOST_NAME);
        Definition {
            name: format!("{}-{}", name.collect::<String>(), self.suffix),
            scale: self.scale,
            ..definition.clone()
        }
    }
}
