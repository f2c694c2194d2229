//! `cargo xtask ci`: the checks that a commit has to pass, up to the first that fails.

use std::process::Command;
use std::sync::OnceLock;

use crate::cargo;
use crate::error::Error;
use crate::packages::{BROWSER, Packages};
use crate::test::print;

mod book;
mod browser;
mod changes;
mod checks;
mod cpu;
mod deep;
mod finds;
mod fuzz;
mod gate;
mod kill;
mod log;
mod minimum;
mod new_model;
mod picks;
mod plan;
mod product;
mod publish;
mod scope;
mod second_server;
mod steps;
mod table;
mod test_programs;
mod toolchain;

use browser::Plan;
use gate::Gate;
use scope::{Scope, Touched};
use steps::Steps;

/// Runs the steps for everything, or for the scope of the changes since a revision. With `deep` all
/// long steps run too; otherwise one of them does, chosen by the commit.
///
/// # Errors
/// [`Error::Failed`] names the step that failed; no step begins after it. [`Error::Usage`] if the
/// changes since the revision cannot be determined. [`Error::Interrupted`].
pub fn ci(packages: &Packages, deep: bool, since: Option<&str>) -> Result<(), Error> {
    // Before any step: the tests build this program again, and then its path leads to the new one.
    let xtask =
        std::env::current_exe().map_err(|error| Error::io("cannot find this program", &error))?;
    let scope = match since {
        None => Scope::All(None),
        Some(revision) => changes::since(packages, revision)?,
    };
    print(looks_at(&scope).as_bytes());
    // Outside the workspace, since a picked crate must stand alone.
    let scratch = tempfile::Builder::new()
        .prefix("xtask-ci-")
        .tempdir()
        .map_err(|error| Error::io("cannot make a temporary folder", &error))?;
    let gate = Gate {
        packages,
        touched: match &scope {
            Scope::All(_) => None,
            Scope::Some(touched) => Some(touched),
        },
        xtask: &xtask,
        scratch: scratch.path(),
        browser: Plan::of(in_scope(&scope, BROWSER)),
        second_server: second_server::Plan::of(
            &packages.crates,
            |package| in_scope(&scope, package),
            &packages.target,
        ),
        programs: OnceLock::new(),
    };
    if let Plan::LeftOut(reason) = &gate.browser {
        print(format!("left out: {reason}\n").as_bytes());
    }
    if let second_server::Plan::LeftOut(reason) = &gate.second_server {
        print(format!("left out: {reason}\n").as_bytes());
    }
    let long = long_steps(&gate, deep)?;
    let mut steps = Steps::default();
    plan::plan(&gate, &mut steps, &long);
    steps.run()
}

/// The long steps to run: all of them, or one.
fn long_steps(gate: &Gate<'_>, all: bool) -> Result<Vec<deep::Deep>, Error> {
    let (steps, left_out) = deep::steps(gate)?;
    for reason in left_out {
        print(format!("left out: {reason}\n").as_bytes());
    }
    if all {
        return Ok(steps);
    }
    let head = changes::head(&gate.packages.root).unwrap_or_default();
    let Some(one) = deep::choose(&steps, &head) else {
        let why = if steps.is_empty() {
            "none concerns the changes"
        } else {
            "git knows no commit to choose it by"
        };
        print(format!("no step of `ci --deep` is run: {why}\n").as_bytes());
        return Ok(Vec::new());
    };
    let told = format!(
        "one of the {} steps of `ci --deep` is run: {}, by the hash of the commit {}\n",
        steps.len(),
        one.title(gate),
        head.get(..12).unwrap_or(&head)
    );
    print(told.as_bytes());
    let mut chosen = vec![one.clone()];
    // A pick is in each run: a crate that cannot be taken out is noticed within as many commits as
    // there are crates.
    let picks: Vec<deep::Deep> = steps
        .iter()
        .filter(|step| matches!(step, deep::Deep::Pick(_)))
        .cloned()
        .collect();
    if let Some(pick) = deep::choose(&picks, &head)
        && !chosen.contains(pick)
    {
        print(format!("and {}\n", pick.title(gate)).as_bytes());
        chosen.push(pick.clone());
    }
    Ok(chosen)
}

fn in_scope(scope: &Scope, package: &str) -> bool {
    match scope {
        Scope::All(_) => true,
        Scope::Some(touched) => touched.packages.contains(package),
    }
}

fn looks_at(scope: &Scope) -> String {
    match scope {
        Scope::All(None) => "checking everything\n".to_string(),
        Scope::All(Some(path)) => format!(
            "checking everything, since {} can affect anything\n",
            path.display()
        ),
        Scope::Some(Touched { packages, pages }) => {
            let mut parts: Vec<&str> = packages.iter().map(String::as_str).collect();
            parts.extend(pages.then_some("the pages"));
            parts.push("all files");
            format!("checking {}\n", parts.join(", "))
        }
    }
}

/// Cargo in the workspace's root, whatever folder the user stands in.
fn in_workspace(packages: &Packages) -> Command {
    let mut command = cargo::command();
    command.current_dir(&packages.root);
    command
}
