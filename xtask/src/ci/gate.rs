//! The inputs of a run: the workspace, and which of its packages are in scope.

use std::path::Path;
use std::sync::OnceLock;

use super::browser::Plan;
use super::scope::Touched;
use super::second_server;
use super::test_programs::{self, Programs};
use crate::packages::{BROWSER, Crate, Packages};

/// The inputs of a run.
pub(super) struct Gate<'a> {
    pub(super) packages: &'a Packages,
    /// The scope; `None` means everything.
    pub(super) touched: Option<&'a Touched>,
    /// This program, which may be rebuilt meanwhile.
    pub(super) xtask: &'a Path,
    /// A folder outside the workspace.
    pub(super) scratch: &'a Path,
    /// Whether and how the page of a report is tested in a browser.
    pub(super) browser: Plan,
    /// The server of another version that the tests of `cluster` also run with.
    pub(super) second_server: second_server::Plan,
    /// The test programs, once they are built.
    pub(super) programs: OnceLock<Programs>,
}

impl Gate<'_> {
    /// Whether the package is in scope.
    pub(super) fn has(&self, package: &str) -> bool {
        self.touched
            .is_none_or(|touched| touched.packages.contains(package))
    }

    /// The crates in scope that satisfy `has`.
    pub(super) fn crates(&self, has: fn(&Crate) -> bool) -> Vec<&Crate> {
        let crates = self.packages.crates.iter();
        crates
            .filter(|found| self.has(&found.package) && has(found))
            .collect()
    }

    /// `--workspace`, or each package in scope.
    pub(super) fn selected(&self) -> Vec<&str> {
        match self.touched {
            None => vec!["--workspace"],
            Some(touched) => touched
                .packages
                .iter()
                .flat_map(|name| ["--package", name.as_str()])
                .collect(),
        }
    }

    /// The packages whose tests are run, each in a step.
    pub(super) fn tested(&self) -> Vec<String> {
        let tested = self.packages.tested().filter(|name| self.has(name));
        tested.map(str::to_string).collect()
    }

    /// The packages whose tests are built: those, and the browser's, which has steps of its own.
    pub(super) fn built(&self) -> Vec<String> {
        let mut built = self.tested();
        if matches!(self.browser, Plan::Run(_)) {
            built.push(BROWSER.to_string());
        }
        built
    }

    pub(super) fn programs_of(&self, package: &str) -> &[test_programs::Program] {
        let programs = self.programs.get().and_then(|all| all.get(package));
        programs.map_or(&[], Vec::as_slice)
    }

    /// The crates whose runners are compared. If there are none, the comparison is not run.
    pub(super) fn compared(&self) -> Vec<&Crate> {
        let all = self.has("xtask");
        let crates = self.packages.crates.iter();
        crates
            .filter(|found| {
                found
                    .runner()
                    .is_some_and(|runner| all || self.has(&runner))
            })
            .collect()
    }
}
