//! The job that all tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::Comparison;
use crate::support::program::xtask;

/// The job: `cargo xtask new job` writes it outside the checkout, and its function is replaced.
pub(crate) fn folder() -> &'static Path {
    static JOB: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, job) = JOB.get_or_init(|| {
        let outside = TempDir::new().expect("a folder");
        let job = outside.path().join("strange function");
        new_job(&job);
        fs::write(job.join("src/main.rs"), include_str!("function.rs")).expect("it is ours");
        let manifest = job.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("it was written");
        let tokio = "tokio = { version = \"1\", features = [\"time\"] }\n";
        let text = text.replace("\n[workspace]", &format!("\n{tokio}\n[workspace]"));
        fs::write(&manifest, text).expect("it is ours");
        (outside, job)
    });
    job
}

/// Writes a job, and returns what the user is told.
pub(crate) fn new_job(folder: &Path) -> String {
    let output = xtask()
        .args(["new", "job"])
        .arg(folder)
        .output()
        .expect("xtask starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A comparison of the job that behaves in this way: a sample for each cell of these models.
pub(crate) fn comparison(case: &str, models: &[&str]) -> Comparison {
    let models = models.iter().flat_map(|model| ["--model", model]);
    Comparison::new()
        .args(["--job".into(), folder().as_os_str().to_owned()])
        .args(["--iterations-per-us", "100", "--budget", "0s"])
        .args(models)
        .env("JOB_CASE", case.into())
}
