//! `results.json`, a stable format: fields are added, never renamed.

mod file;
mod layout;

pub use file::{parse, parse_baseline, read, read_baseline, write};
pub use workload::timeline::{Lane, Timeline};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use workload_stats::Interval;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The highest plausible calibration, in iterations of the `compute` step per microsecond: beyond
/// it, a processor would do a thousand of them per cycle.
pub const MAX_ITERATIONS_PER_US: u64 = 1_000_000;

/// The difference that matters unless the user says otherwise.
pub const MARGIN: f64 = 0.05;

/// One comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: u32,
    /// False when the comparison was interrupted.
    pub complete: bool,
    /// Where it ran.
    pub environment: Environment,
    /// How it was called.
    pub settings: Settings,
    /// One entry per workload and number of tasks, in the order of the tables.
    pub workloads: Vec<Workload>,
    /// One entry per workload, number of tasks, model, variant and number of workers.
    pub cells: Vec<Cell>,
    /// Cells that were not measured, with the reasons.
    pub skipped: Vec<Skipped>,
    /// Warnings that a reader needs before trusting a figure; one line each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Results {
    /// The reasons why these figures are a poor baseline, one sentence each; none for a complete
    /// comparison that was not cut short.
    pub fn doubts(&self) -> Vec<&'static str> {
        let mut doubts = Vec::new();
        if self.settings.smoke {
            doubts.push(
                "the earlier comparison was a smoke run: few tasks, little time, and no figures to compare with",
            );
        }
        if !self.complete {
            doubts.push(
                "the earlier comparison was interrupted: it has fewer samples than it should, and some cells not at all",
            );
        }
        doubts
    }
}

/// The machine and the versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Operating system and kernel release.
    pub os: String,
    /// Processor model.
    pub cpu: String,
    /// Processors this program may use.
    pub cpus: usize,
    /// Physical memory.
    pub memory_bytes: u64,
    /// The compiler that built the runners.
    pub rustc: String,
    /// When the comparison began, in UTC, as in RFC 3339.
    pub started: String,
    /// Iterations of the `compute` step per microsecond on this machine.
    pub iterations_per_us: u64,
    /// The 1-minute load average when the comparison began.
    pub load_average: f64,
    /// The version each runner gave, by model.
    pub versions: BTreeMap<String, String>,
}

/// The flags that matter for the figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The command, as a user can repeat it.
    pub command: String,
    /// The bound on sampling beyond the first sample of each cell.
    pub budget_ns: u64,
    /// Whether `tasks` was cut to at most 40.
    pub smoke: bool,
    /// The seed given on the command line, if any.
    pub seed: Option<u64>,
    /// The numbers of workers compared.
    pub workers: Vec<usize>,
    /// The difference that matters, as a part of 1: a ratio this close to 1 is a tie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// The smallest difference that this machine can tell apart, as a part of 1, by its last
    /// calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// When that calibration was made, in UTC, as in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<String>,
}

impl Settings {
    /// The margin, or the default one where none is recorded.
    pub fn margin(&self) -> f64 {
        self.margin.unwrap_or(MARGIN)
    }

    /// The floor, or 0 without a calibration.
    pub fn floor(&self) -> f64 {
        self.floor.unwrap_or(0.0)
    }
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Its pattern.
    pub pattern: String,
    /// The number of tasks.
    pub tasks: usize,
    /// The digest all models must share: 16 hex digits.
    pub digest: String,
    /// A description for people.
    #[serde(default)]
    pub about: String,
    /// Items of the book.
    #[serde(default)]
    pub items: Vec<u8>,
    /// The seed of its inputs.
    #[serde(default)]
    pub seed: u64,
    /// With the pattern `serve`: requests a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// With the pattern `serve`: connections that are open all the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<usize>,
    /// Whether the tasks call the function of a job.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub job: bool,
    /// Whether that job declares that its outputs cannot repeat: they were not compared, and its
    /// cells are not `verified`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrepeatable: bool,
}

/// One model on one workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The workload's name.
    pub workload: String,
    /// The model's name.
    pub model: String,
    /// The variant; empty for the default one.
    pub variant: String,
    /// The number of workers it was given, or of tasks at once where it limits them itself; 0 where
    /// neither is a number.
    pub workers: usize,
    /// Whether the number of workers follows from how much the tasks wait. The same contestant then
    /// has another cell in the table, with one worker per processor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sized: bool,
    /// The most tasks at once by what its runner declares; null in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// The number of tasks.
    pub tasks: usize,
    /// Whether every sample had the right digest.
    pub verified: bool,
    /// Whether there is no right digest, since the outputs of the job cannot repeat: the figures
    /// count, though `verified` is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrepeatable: bool,
    /// Which form of a job's function its tasks called, and where; null where that is `run` on the
    /// model's own workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The error of a cell that failed; all statistics are then null.
    pub error: Option<String>,
    /// The time to build the reused parts: the median over the starts.
    pub setup_ns: u64,
    /// Every sample, in the order taken.
    pub samples: Vec<Sample>,
    /// The time of a sample.
    pub wall_ns: Option<Interval>,
    /// With the pattern `serve`: the time within which 99 of 100 requests of a sample were
    /// answered. `ratio_to_best`, `rank`, `tied_with_best` and `speedup` are then of this and not
    /// of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ns: Option<Interval>,
    /// Time divided by the best cell's of the same round.
    pub ratio_to_best: Option<Interval>,
    /// Place by `ratio_to_best` within the table, from 1.
    pub rank: Option<usize>,
    /// Whether the interval of `ratio_to_best` spans 1; null if there is no interval, and so no
    /// judgement.
    pub tied_with_best: Option<bool>,
    /// The verdict by the interval of `ratio_to_best`; null in a cell without figures.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The confidence of the bounds of `ratio_to_best` and `speedup`: more than 95 % where the
    /// samples were looked at more than once, so that all looks together err in at most 5 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The basis of the bounds of `ratio_to_best`.
    #[serde(default)]
    pub judged_by: Option<JudgedBy>,
    /// The price of deciding a verdict that is still open; null if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// With the pattern `serve`: requests a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The time of `sequential` in the same round, divided by this one's.
    pub speedup: Option<Interval>,
    /// Threads alive at once in the whole tree of processes, less the runner's own.
    pub threads_peak: Option<u64>,
    /// Processes alive at once, the runner included.
    pub processes_peak: Option<u64>,
    /// Resident memory at its highest, less what was resident after loading.
    pub rss_peak_bytes: Option<u64>,
    /// Figures that only some patterns have.
    pub metrics: BTreeMap<String, f64>,
    /// When and where the tasks of one untimed sample ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Why there is one sample only, if so.
    #[serde(default)]
    pub note: Option<String>,
}

/// The confidence of all intervals that say nothing else.
pub const CONFIDENCE: f64 = 0.95;

impl Cell {
    /// The confidence of the bounds of its ratios.
    pub fn confidence(&self) -> f64 {
        let given = self.confidence.filter(|given| (0.5..1.0).contains(given));
        given.unwrap_or(CONFIDENCE)
    }

    /// Whether its figures count: it did not fail, and is verified where it can be.
    pub fn counts(&self) -> bool {
        self.error.is_none() && (self.verified || self.unrepeatable)
    }

    /// The figure that the cell is judged by: [`response_ns`](Self::response_ns) where there is
    /// one, else [`wall_ns`](Self::wall_ns).
    pub fn judged(&self) -> Option<Interval> {
        self.response_ns.or(self.wall_ns)
    }

    /// `model` or `model/variant`, as it stands in a table.
    pub fn contestant(&self) -> String {
        contestant(&self.model, &self.variant)
    }
}

/// One timed sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// From the first task handed in to the last result out.
    pub wall_ns: u64,
    /// CPU time of the whole tree of processes.
    pub cpu_ns: u64,
    /// Its part in user mode.
    pub user_ns: u64,
    /// Its part in the kernel.
    pub system_ns: u64,
    /// Times a thread gave up its processor.
    pub voluntary_switches: u64,
    /// Times a thread lost its processor.
    pub involuntary_switches: u64,
    /// Which start of the runner took it, from 0.
    pub life: u32,
    /// The round it belongs to; samples of one round are compared with each other.
    pub round: u32,
    /// Whether it is the first of its life: left out of the statistics where that makes a
    /// difference.
    pub warm_up: bool,
    /// With the pattern `serve`: `response_p50_ns`, `response_p99_ns` and the like of this sample.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

/// The metric that contestants are judged by where they serve requests: when the requests come is
/// not up to them, so the time of a sample says nothing.
pub(crate) const RESPONSE: &str = "response_p99_ns";

/// Whether only the program `requests` may report this metric, never a contestant.
pub fn only_the_load_says(metric: &str) -> bool {
    metric.starts_with("response_")
        || metric.starts_with("send_lateness_")
        || metric == "achieved_rate"
}

impl Workload {
    /// Whether the contestants serve requests here and are judged by their response times. This
    /// depends on the pattern alone, never on what a contestant sends.
    pub fn is_served(&self) -> bool {
        self.pattern == "serve"
    }
}

impl Sample {
    /// The time that a contestant is judged by, in nanoseconds: the wall time of the sample or, if
    /// it `served` requests, the 99th percentile of the response times. NaN if that is missing.
    pub fn judged_ns(&self, served: bool) -> f64 {
        if served {
            let response = self.metrics.get(RESPONSE).copied();
            return response.filter(|ns| *ns > 0.0).unwrap_or(f64::NAN);
        }
        self.wall_ns as f64
    }
}

/// The verdict of the samples on a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The best of its table, by its estimate.
    Best,
    /// As fast as the best: the whole interval lies within the margin.
    Fast,
    /// As fast as the best within twice the margin only.
    #[serde(rename = "fast_within_10")]
    FastWithin10,
    /// Slower: the whole interval lies above the margin.
    Slower,
    /// Slower by more than the table's noise, by one sample: `ratio_to_best` has a lower bound
    /// only.
    SlowerByOneSample,
    /// Not decided.
    Open,
}

impl Verdict {
    /// Whether more samples are not needed at the margin.
    pub fn is_decided(self) -> bool {
        !matches!(self, Verdict::Open | Verdict::FastWithin10)
    }
}

/// The basis of the bounds of a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// The ratios of single rounds.
    Rounds,
    /// The medians of lives, which differ more than the rounds within them.
    Lives,
}

/// The price of an open verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// About that many more rounds.
    pub rounds: u32,
    /// About that much time for them.
    pub ns: u64,
}

/// A cell that was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// The workload's name.
    pub workload: String,
    /// The model's name.
    pub model: String,
    /// The variant.
    pub variant: String,
    /// Why, with the arithmetic where there is any.
    pub reason: String,
    /// The number of workers it would have had.
    #[serde(default)]
    pub workers: usize,
    /// Whether that number follows from how much the tasks wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sized: bool,
    /// The number of tasks.
    #[serde(default)]
    pub tasks: usize,
    /// With the pattern `serve`: requests a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The least time that a sample would take, if that is why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_ns: Option<u64>,
    /// Whether it was skipped for the time that its first tasks took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_slow: bool,
}

impl Skipped {
    /// `model` or `model/variant`, as it stands in a table.
    pub fn contestant(&self) -> String {
        contestant(&self.model, &self.variant)
    }
}

fn contestant(model: &str, variant: &str) -> String {
    match variant {
        "" => model.to_owned(),
        variant => format!("{model}/{variant}"),
    }
}
