//! `calibration.json`: the findings of `cargo xtask calibrate` about this machine.

mod file;

pub use file::{Lack, NAME, read, write};

use serde::{Deserialize, Serialize};

use crate::results::Environment;
use crate::text::clean;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The fewest trials that can show a rate of 5 %.
pub const ENOUGH_TRIALS: u32 = 100;

/// One calibration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it began, in UTC, as in RFC 3339.
    pub started: String,
    /// Where it ran.
    pub machine: Machine,
    /// The smallest difference that this machine can tell apart, as a part of 1.
    pub floor: f64,
    /// The rounds at each look at a verdict.
    pub rounds: Vec<u32>,
    /// The fewest of these rounds at which 3 % on CPU work were found in 90 % of the trials.
    pub rounds_for_3_percent: Option<u32>,
    /// The same program entered twice.
    pub same: Trials,
    /// The same program, linked twice with its sections in another order; null where that is
    /// unavailable.
    pub relinked: Option<Trials>,
    /// Why there was no relinking.
    #[serde(default)]
    pub not_relinked: Option<String>,
    /// Planted differences, by kind of work.
    pub kinds: Vec<Kind>,
    /// The time that its trials took.
    pub measured_ns: u64,
}

/// The machine that a calibration holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Processors that this program may use.
    pub cpus: usize,
    /// Operating system and kernel release.
    pub os: String,
}

/// Trials with contestants that are equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// How many.
    pub trials: u32,
    /// Those whose interval excludes 1.
    pub excluded_one: u32,
    /// Those whose interval lies beyond the floor: each half of the trials judged by the floor of
    /// the other half.
    pub different: u32,
    /// The difference that estimates stay below in 95 % of the trials, as a part of 1.
    pub spread: f64,
}

/// One kind of work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// The smallest difference whose interval excludes 1 in 90 % of the trials, as a part of 1,
    /// derived from the trials without a difference.
    pub resolves: f64,
    /// The planted differences that were found.
    pub planted: Vec<Planted>,
}

/// Trials with a difference that was planted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// The difference, as a part of 1.
    pub difference: f64,
    /// How many trials.
    pub trials: u32,
    /// Those whose interval excluded 1, at each look.
    pub found: Vec<u32>,
}

impl Calibration {
    /// The line with which a comparison quotes it.
    pub fn quoted(&self) -> String {
        let day = self.started.split('T').next().unwrap_or_default();
        format!(
            "calibration of {}: this machine resolves {:.1} %, and nothing below is called slower",
            clean(day),
            self.floor * 100.0
        )
    }
}

impl Machine {
    /// The machine of this environment.
    pub fn of(environment: &Environment) -> Machine {
        Machine {
            cpu: environment.cpu.clone(),
            cpus: environment.cpus,
            os: environment.os.clone(),
        }
    }
}
