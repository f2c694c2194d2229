//! Recording a workload of the comparison: its tasks one after another, on this thread.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use effective_job_trace::Recorder;
use workload::definition::{Definition, Pattern};
use workload::inputs::{self, file_sizes};
use workload::task::{Surroundings, compute, run_blocking};
use workload::value::{bytes, task_seed};

use super::Failed;

/// All tasks are recorded again until so much time has passed.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// Records the workload into `NAME.jsonl` and returns a workload file that replays it.
pub(super) fn record(definition: &Definition, folder: &Path) -> Result<PathBuf, Failed> {
    let name = &definition.name;
    if !matches!(definition.pattern, Pattern::Map | Pattern::Fold) {
        return Err(format!("`{name}` is not a list of independent tasks").into());
    }
    let inputs = inputs::make(definition, iterations_per_us());
    let files = tempfile::tempdir()?;
    for (file, size) in file_sizes(&inputs) {
        let content = bytes(task_seed(inputs.header.seed, 0), usize::try_from(size)?);
        fs::write(files.path().join(file), content)?;
    }
    let origin = Origin::start(files.path())?;
    let surroundings = Surroundings {
        files: files.path().to_owned(),
        origin: Some(origin.address),
        logs: files.path().to_owned(),
        ..Surroundings::default()
    };
    let recorder = Recorder::to_file(folder.join(format!("{name}.jsonl")))?;
    let begun = Instant::now();
    while begun.elapsed() < LONG_ENOUGH {
        for task in &inputs.tasks {
            let work = || run_blocking(task, inputs.tasks.len(), &[], &surroundings);
            recorder.task(work).map_err(|failure| failure.to_string())?;
        }
    }
    let summary = recorder.finish()?;
    eprintln!("recorded {} tasks of {name}", summary.tasks);
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        "name = \"{name}-replayed\"\npattern = \"{}\"\ntasks = {}\nitems = {:?}\nshow = {:?}\n\n\
         [replay]\nfile = \"{name}.jsonl\"\n",
        definition.pattern.name(),
        definition.tasks,
        definition.items,
        definition.show,
    );
    fs::write(&path, text)?;
    Ok(path)
}

/// As the comparison calibrates itself, in less time.
fn iterations_per_us() -> u64 {
    const ITERATIONS: u64 = 100_000;
    let run = |_| {
        let begun = Instant::now();
        std::hint::black_box(compute(1, ITERATIONS));
        begun.elapsed()
    };
    let best = (0..200).map(run).min().unwrap_or_default();
    (u128::from(ITERATIONS) * 1000 / best.as_nanos().max(1)).max(1) as u64
}

/// The origin server of the comparison.
struct Origin {
    process: Child,
    address: SocketAddr,
}

impl Origin {
    fn start(folder: &Path) -> Result<Origin, Failed> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "workload-compare",
        ]);
        command.args(["--bin", "origin", "--"]).arg(folder);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or("a pipe is missing")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .parse()
            .map_err(|_| "the origin server did not start")?;
        Ok(Origin { process, address })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
