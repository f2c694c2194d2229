//! Short runs of a fuzz target, with the stable toolchain alone.

use std::path::Path;
use std::time::Duration;

use super::checks::folder;
use super::log::{LONGEST, Log};
use super::toolchain::{flags, host, seconds};
use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// How long a target runs unless the environment says otherwise.
const FUZZ_SECONDS: &str = "20";

/// The flags that `cargo fuzz` passes to the compiler: coverage for libFuzzer, and checks that turn
/// a fault into a crash.
const INSTRUMENTED: [&str; 10] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Zsanitizer=address",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
    "--cfg fuzzing",
];

/// Builds the target and runs it, starting from its seeds if there are any. New inputs are
/// discarded, except one that crashes: the output names its file.
pub(super) fn fuzz(
    packages: &Packages,
    log: &mut Log,
    home: &Path,
    target: &str,
    scratch: &Path,
) -> Result<(), Error> {
    let host = host()?;
    let built = folder(packages, "fuzz");
    let mut command = cargo::command();
    command
        .current_dir(home)
        .args(["build", "--release", "--bin", target, "--target", &host])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags("RUSTFLAGS", &INSTRUMENTED.join(" ")))
        .env("CARGO_TARGET_DIR", &built);
    log.run(&mut command)?;

    let inputs = scratch.join(format!("inputs-{target}"));
    let crashes = built.join("crashes");
    for folder in [&inputs, &crashes] {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::io(format_args!("cannot make {}", folder.display()), &error))?;
    }
    let seconds = seconds("FUZZ_SECONDS", FUZZ_SECONDS);
    let mut command = cargo::cleaned(built.join(&host).join("release").join(target));
    command
        .current_dir(scratch)
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/{target}-", crashes.display()))
        // libFuzzer writes new inputs into the first folder and only reads the others.
        .arg(&inputs);
    let seeds = home.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let fuzzing = Duration::from_secs(seconds.parse().unwrap_or(0));
    log.run_within(LONGEST.saturating_add(fuzzing), &mut command)
}
