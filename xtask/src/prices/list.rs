//! `prices.json`: the price list of a machine.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use workload_stats::Interval;

use crate::calibration::Machine;
use crate::files;

/// The file's name in the output folder of the comparison.
pub const NAME: &str = "prices.json";

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The prices of one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriceList {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it was begun, in UTC, as in RFC 3339.
    pub started: String,
    /// Where it was measured.
    pub machine: Machine,
    /// One entry for each way to have a task done, the cheapest kinds first.
    pub prices: Vec<Price>,
    /// The time that it took.
    pub measured_ns: u64,
}

/// The price of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Its stable name, such as `rayon-item`.
    pub name: String,
    /// Of a task in a batch that is handed over back to back.
    pub hot: Option<Hot>,
    /// Of a single task after a pause.
    pub cold: Option<Cold>,
    /// Resident memory of a task that is handed over and not done.
    pub memory_bytes: Option<f64>,
    /// The size of a task below which it cannot be faster than a loop of calls, by its hot price;
    /// null where that is no question, or on one processor, where it never is.
    pub cannot_pay_below_ns: Option<Interval>,
    /// The size of a task at which it was level with the loop, by the sizes that were tried; null
    /// where it was not on either side of it.
    pub pays_from_ns: Option<f64>,
    /// The size of a task from which the price takes at most a twentieth of a processor's time.
    pub nearly_free_from_ns: Option<f64>,
    /// The time of a whole batch from which it pays to wake the workers for it.
    pub batch_pays_from_ns: Option<f64>,
    /// The sizes that were tried.
    pub tried: Vec<Tried>,
    /// Why there is no price, if so.
    pub error: Option<String>,
}

/// A hot price: per task, all workers busy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hot {
    /// Tasks in a batch.
    pub tasks: u64,
    /// Batches.
    pub readings: usize,
    /// Time per task.
    pub wall_ns: Interval,
    /// CPU time per task, of all threads and processes.
    pub cpu_ns: Interval,
    /// Half of the width of the middle half of the times, as a part of their median.
    pub spread: f64,
}

/// A cold price: of one task from hand-over to result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cold {
    /// Tasks.
    pub readings: usize,
    /// The time of a task. On few processors it has two modes: whether the worker wakes on the
    /// processor of the caller or on another.
    pub wall_ns: Quartiles,
    /// The median of the CPU time beyond that of a reading itself.
    pub cpu_ns: f64,
}

/// The quartiles of readings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quartiles {
    /// A quarter of the readings is at most this.
    pub low: f64,
    /// The middle.
    pub median: f64,
    /// Three quarters are at most this.
    pub high: f64,
}

/// Tasks of one size, by the model and by a loop of calls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The size of a task.
    pub size_ns: u64,
    /// The time of the loop divided by that of the model.
    pub speedup: Interval,
}

impl PriceList {
    /// Writes the list into this folder, which it makes if there is none.
    ///
    /// # Errors
    ///
    /// As [`files::replace`].
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        files::replace(&folder.join(NAME), json.as_bytes())
    }
}
