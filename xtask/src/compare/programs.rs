//! The programs that take part, built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use workload::tree;

use super::interrupt::Interrupt;
use super::job::JobCrate;
use super::list::{Model, WORKLOAD};
use crate::build::build_runners;
use crate::error::Error;

/// How often to look whether the build is done.
const SLICE: Duration = Duration::from_millis(20);

/// Where the built programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    /// By model.
    pub(crate) runners: BTreeMap<String, PathBuf>,
    /// Whether a program takes the name of its model as its argument: the program of a job, which
    /// is all of them.
    takes_name: bool,
    /// By model, the program that its runner needs, and a folder that is removed after the
    /// comparison.
    arguments: BTreeMap<String, [String; 2]>,
    /// The origin server; a job needs none.
    pub(super) origin: Option<PathBuf>,
    /// The program that sends the requests of the pattern `serve`; a job needs none.
    pub(super) requests: Option<PathBuf>,
}

impl Programs {
    /// Builds the runners of these models, the origin server and `requests`. The models work in
    /// `folder` if they need one.
    ///
    /// # Errors
    ///
    /// When one does not build, or the program that it needs is gone, and [`Error::Interrupted`].
    pub(crate) fn build(
        models: &[&Model],
        folder: &Path,
        interrupt: &Interrupt,
    ) -> Result<Programs, Error> {
        let crates: Vec<&str> = models
            .iter()
            .map(|model| model.crate_name.as_str())
            .collect();
        let built = unless_interrupted(interrupt, || build_runners(&crates))?;
        let program = |crate_name: &str, name: &str| {
            built
                .get(crate_name)
                .and_then(|programs| programs.get(name))
                .cloned()
                .ok_or_else(|| {
                    Error::Failed(format!(
                        "cargo built no program `{name}` for `{crate_name}`; see `cargo xtask build`"
                    ))
                })
        };
        let mut runners = BTreeMap::new();
        let mut arguments = BTreeMap::new();
        for model in models {
            if let Some(needs) = &model.declared.needs {
                let needed = needs.find().map_err(Error::Failed)?;
                let paths = [needed.as_path(), folder].map(|path| path.display().to_string());
                arguments.insert(model.name.clone(), paths);
            }
            runners.insert(
                model.name.clone(),
                program(&model.crate_name, &model.program)?,
            );
        }
        Ok(Programs {
            runners,
            takes_name: false,
            arguments,
            origin: Some(program(WORKLOAD, "origin")?),
            requests: Some(program(WORKLOAD, "requests")?),
        })
    }

    /// Builds the program of a job, which is the runner of each of these models.
    ///
    /// # Errors
    ///
    /// When it does not build, and [`Error::Interrupted`].
    pub(crate) fn of_job(
        job: &JobCrate,
        models: &[&Model],
        interrupt: &Interrupt,
    ) -> Result<Programs, Error> {
        let program = unless_interrupted(interrupt, || job.build())?;
        let runners = models.iter().map(|model| model.name.clone());
        Ok(Programs {
            runners: runners.map(|name| (name, program.clone())).collect(),
            takes_name: true,
            arguments: BTreeMap::new(),
            origin: None,
            requests: None,
        })
    }

    /// The command that starts the runner of this model.
    pub(crate) fn command(&self, model: &str) -> Option<Vec<String>> {
        let program = self.runners.get(model)?.display().to_string();
        let name = self.takes_name.then(|| model.to_owned());
        let needed = self.arguments.get(model).into_iter().flatten().cloned();
        Some(std::iter::once(program).chain(name).chain(needed).collect())
    }
}

/// Does something that starts processes and waits for them. On Ctrl-C they are told to end, since a
/// signal that was not typed at a terminal reaches this process alone.
pub(crate) fn unless_interrupted<T: Send>(
    interrupt: &Interrupt,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let own = std::process::id();
    let before: BTreeSet<u32> = tree::children(own).into_iter().collect();
    thread::scope(|scope| {
        let worker = scope.spawn(work);
        while !worker.is_finished() {
            interrupt.wait(SLICE);
            if interrupt.happened() {
                for child in tree::children(own) {
                    if !before.contains(&child) {
                        std::iter::once(child)
                            .chain(tree::descendants(child))
                            .filter_map(|process| Pid::from_raw(process.cast_signed()))
                            .for_each(|process| {
                                // It may have ended by itself.
                                let _ = kill_process(process, Signal::TERM);
                            });
                    }
                }
                thread::sleep(SLICE);
            }
        }
        let outcome = worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if interrupt.happened() {
            return Err(Error::Interrupted);
        }
        outcome
    })
}
