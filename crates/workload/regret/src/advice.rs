//! The answer of `cargo xtask advise` about a job.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::by_hand::{Model, Version};
use crate::job::Real;

/// The advice, and the version by hand that it amounts to.
#[derive(Debug, Clone)]
pub struct Advice {
    /// The advice in the words of the tool.
    pub words: String,
    /// The program that follows it; nothing where no advice was given.
    pub version: Option<Version>,
}

/// The folder of the checkout, where `cargo xtask` works.
pub fn checkout() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(3).unwrap_or(own).to_path_buf()
}

/// Asks about a recorded trace, or the folder of a job.
///
/// # Errors
///
/// If the tool fails, with what it said last.
pub fn ask(
    job: &Real,
    about: &Path,
    output: &Path,
    budget: Option<&str>,
    cpus: usize,
) -> io::Result<Advice> {
    let out = Command::new("cargo")
        .args(["--quiet", "xtask", "advise"])
        .arg(about)
        .arg("--output")
        .arg(output)
        .args(budget.map(|budget| format!("--budget={budget}")))
        .current_dir(checkout())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let file = output.join("advice.json");
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        let last = said.lines().last().unwrap_or("nothing");
        return Err(io::Error::other(format!(
            "advise {}: {last}",
            about.display()
        )));
    }
    let advice: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    Ok(read(job, &advice, cpus))
}

fn read(job: &Real, advice: &Value, cpus: usize) -> Advice {
    let taken = &advice["taken"];
    let (Some(model), Some(variant)) = (taken["model"].as_str(), taken["variant"].as_str()) else {
        let verdict = advice["verdict"].as_str().unwrap_or("no answer");
        return Advice {
            words: format!("none ({verdict})"),
            version: None,
        };
    };
    let workers = taken["workers"]["take"]
        .as_u64()
        .map(|workers| workers as usize);
    let mut words = model.to_owned();
    if !variant.is_empty() {
        words += &format!("/{variant}");
    }
    if let Some(workers) = workers.filter(|_| model != "sequential") {
        words += &format!(" ×{workers}");
    }
    if advice["verdict"] == "open" {
        words += " (open)";
    }
    let version = by_hand(job, model, variant, workers.unwrap_or(cpus));
    Advice { words, version }
}

/// The version by hand that somebody would write who takes this model.
fn by_hand(job: &Real, model: &str, variant: &str, workers: usize) -> Option<Version> {
    let futures = job.call_async.is_some();
    let model = match (model, variant) {
        ("sequential", _) => Model::Sequential,
        // Without a limit, there is a thread for each task.
        ("threads", "") => return Some(version(Model::ThreadPerTask, job.tasks)),
        ("threads", "limited") => return Some(version(Model::ThreadPerTask, 32)),
        ("threads", _) => Model::Threads,
        ("queue" | "pipeline" | "locks", _) => Model::Queue,
        ("thread-pool", _) => Model::ThreadPool,
        ("data-parallel", _) => Model::DataParallel,
        ("tokio-tasks", "current-thread") if futures => Model::TokioCurrentThread,
        ("tokio-tasks" | "stall-watch" | "bridge", _) if futures => Model::Tokio,
        ("tokio-tasks" | "stall-watch" | "bridge", _) => Model::TokioBlocking,
        ("coroutines", _) => Model::Smol,
        ("async-std-tasks", _) => Model::AsyncStd,
        ("process-pool" | "child-process", _) => Model::Processes,
        _ => return None,
    };
    let has_number = !model.awaits() && model != Model::Sequential;
    Some(version(model, if has_number { workers } else { 0 }))
}

fn version(model: Model, workers: usize) -> Version {
    Version { model, workers }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn job() -> Real {
        Real {
            name: "some",
            tasks: 50,
            call: Arc::new(|task| task as u64),
            call_async: None,
        }
    }

    #[test]
    fn advice_becomes_the_version_that_follows_it() {
        let taken = |model: &str, variant: &str, workers: Value| {
            let advice = json!({
                "verdict": "take",
                "taken": {"model": model, "variant": variant, "workers": workers},
            });
            read(&job(), &advice, 2)
        };
        let queue = taken("queue", "", json!({"take": 8}));
        assert_eq!(queue.words, "queue ×8");
        assert_eq!(queue.version, Some(version(Model::Queue, 8)));
        let threads = taken("threads", "", Value::Null);
        assert_eq!(threads.version, Some(version(Model::ThreadPerTask, 50)));
        let tokio = taken("tokio-tasks", "", json!({"take": 2}));
        assert_eq!(tokio.version, Some(version(Model::TokioBlocking, 2)));
    }

    #[test]
    fn no_advice_has_no_version() {
        let none = read(
            &job(),
            &json!({"verdict": "disagreement", "taken": null}),
            2,
        );
        assert_eq!(none.version, None);
        assert_eq!(none.words, "none (disagreement)");
    }
}
