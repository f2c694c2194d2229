//! The recording of the sequential version of a job.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use effective_job_trace::Recorder;

use crate::job::Real;

/// The totals of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The time of all tasks.
    pub wall: Duration,
    /// Their CPU time.
    pub cpu: Duration,
    /// Their number.
    pub tasks: usize,
}

impl Seen {
    /// The share of the time that was spent computing.
    pub fn cpu_share(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Runs the tasks of a job one after another, again and again for this long, and records them.
///
/// # Errors
///
/// If the file cannot be written.
pub fn record(job: &Real, file: &Path, length: Duration) -> io::Result<Seen> {
    // The first pass opens connections and fills caches, which a program does once.
    for task in 0..job.tasks {
        (job.call)(task);
    }
    let recorder = Recorder::to_file(file)?;
    let start = Instant::now();
    'recording: loop {
        for task in 0..job.tasks {
            recorder.task(|| (job.call)(task));
            if start.elapsed() >= length {
                break 'recording;
            }
        }
    }
    recorder.finish()?;
    totals(file)
}

fn totals(file: &Path) -> io::Result<Seen> {
    let mut seen = Seen {
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
        tasks: 0,
    };
    for line in BufReader::new(File::open(file)?).lines() {
        let line: serde_json::Value = serde_json::from_str(&line?)?;
        let ns = |key: &str| line[key].as_u64();
        // The header and the footer have none of these.
        if let (Some(start), Some(end), Some(cpu)) = (ns("start_ns"), ns("end_ns"), ns("cpu_ns")) {
            seen.wall += Duration::from_nanos(end.saturating_sub(start));
            seen.cpu += Duration::from_nanos(cpu);
            seen.tasks += 1;
        }
    }
    Ok(seen)
}
