//! `advice.json`, the advice for programs.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bounds::{Bounds, Work};
use super::decide::Decision;
use super::flips::Flip;
use super::job::Job;
use crate::files;
use crate::results::Results;

/// The file's name, beside `results.json`.
pub const NAME: &str = "advice.json";

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The advice for one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the comparison that decided began, in UTC, as in RFC 3339.
    pub started: String,
    /// The path of the job.
    pub job: String,
    /// The name of its table.
    pub workload: String,
    /// Its number of tasks.
    pub tasks: usize,
    /// The answer.
    #[serde(flatten)]
    pub decision: Decision,
    /// The work of the job; null where it is unknown or requests set the pace.
    pub work: Option<Work>,
    /// The bounds that follow from it.
    pub bounds: Option<Bounds>,
    /// The changes that other tasks would make to the answer.
    pub flips: Vec<Flip>,
}

impl Advice {
    pub(super) fn new(
        job: &Job,
        measured: &Results,
        decision: Decision,
        bounds: Option<Bounds>,
        work: Option<Work>,
        flips: Vec<Flip>,
    ) -> Advice {
        let path = match job {
            Job::Folder(path) | Job::File(path) => path.display().to_string(),
        };
        let table = measured.workloads.first();
        Advice {
            schema: SCHEMA,
            started: measured.environment.started.clone(),
            job: path,
            workload: table.map_or_else(String::new, |table| table.name.clone()),
            tasks: table.map_or(0, |table| table.tasks),
            decision,
            work,
            bounds,
            flips,
        }
    }

    /// Writes the advice into this folder.
    ///
    /// # Errors
    ///
    /// As [`files::replace`].
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        files::replace(&folder.join(NAME), json.as_bytes())
    }
}
