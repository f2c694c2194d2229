//! Programs made of the same objects with their sections in another order.
//!
//! Where the linker puts a loop is luck that lasts for the life of a program file, so no restart
//! averages it out. Only linking the same objects again shows how much it matters.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::linker::{DONE, FOLDER, MOST, TIME, WHY, program};
use crate::cargo;
use crate::compare::interrupt::Interrupt;
use crate::compare::list::Model;
use crate::compare::programs::unless_interrupted;
use crate::error::Error;
use crate::packages::workspace;
use crate::rustflags;

/// Pairs of these are trials, and a hundred trials show a rate of 5 %.
const MOST_PROGRAMS: u64 = 200;

/// Links a model's runner again and again for this long.
///
/// The inner error is the reason why that is unavailable here.
///
/// # Errors
///
/// [`Error::Interrupted`], and [`Error::Failed`] if there is no folder to work in.
pub(super) fn programs(
    model: &Model,
    folder: &Path,
    time: Duration,
    interrupt: &Interrupt,
) -> Result<Result<Vec<PathBuf>, String>, Error> {
    if !cfg!(target_os = "linux") {
        return Ok(Err(
            "the linker of this system cannot shuffle sections".to_owned()
        ));
    }
    fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), &error))?;
    let failed = match unless_interrupted(interrupt, || build(model, folder, time)) {
        Ok(said) => said,
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => error.to_string(),
    };
    if let Ok(why) = fs::read_to_string(folder.join(WHY)) {
        return Ok(Err(why));
    }
    if !folder.join(DONE).exists() {
        return Ok(Err(failed));
    }
    let all = (1..=MOST_PROGRAMS).map(|seed| program(folder, seed));
    let programs: Vec<PathBuf> = all.take_while(|program| program.exists()).collect();
    if programs.len() < 2 {
        return Ok(Err("there was no time to link twice".to_owned()));
    }
    Ok(Ok(programs))
}

/// Builds the runner with this program as the linker, and returns the first error that cargo shows.
/// Only the last step differs from the usual build, so cargo finds everything else built.
fn build(model: &Model, folder: &Path, time: Duration) -> Result<String, Error> {
    let packages = workspace()?;
    let package = packages.find(&model.crate_name)?;
    let runner = package.runner().unwrap_or_else(|| package.package.clone());
    let linker = std::env::current_exe().map_err(|error| Error::io("this program", &error))?;
    let mut command = cargo::command();
    command.args(["rustc", "--quiet", "--release", "--package", &runner]);
    command.args(["--bin", &model.program, "--"]);
    command.arg(format!("-Clinker={}", linker.display()));
    if let Some(flags) = rustflags::of_runners(&packages.root) {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    command
        .env(FOLDER, folder)
        .env(MOST, MOST_PROGRAMS.to_string())
        .env(TIME, time.as_millis().to_string())
        .stderr(Stdio::piped());
    let output = command
        .output()
        .map_err(|error| cargo::not_started(&command, &error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("error"));
    Ok(line.unwrap_or("the linker was not called").to_owned())
}
