//! The trial of a pick: the crate as it will stand, built and tested in a temporary folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use toml::{Table, Value};

use super::surroundings::Workspace;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Member, Packages};
use crate::test::{Counts, counted};

/// The sections of a root manifest that change how a member is built.
const INHERITED: [&str; 3] = ["patch", "profile", "replace"];

/// The trial folder: a workspace with the crate as its only member, and all that the user's own
/// workspace has to say about it.
pub(crate) struct Trial<'a> {
    /// The folder of that workspace.
    root: &'a Path,
    /// The folder of the crate in it.
    folder: PathBuf,
    /// The name of the package.
    package: &'a str,
    /// Where cargo builds: shared by the picks of a checkout.
    target: PathBuf,
}

impl<'a> Trial<'a> {
    /// A trial in the folder `root` for the crate at `folder` below it.
    pub(crate) fn new(packages: &Packages, package: &'a str, root: &'a Path, folder: &str) -> Self {
        Trial {
            root,
            folder: root.join(folder),
            package,
            target: packages.target.join("pick"),
        }
    }

    /// The folder that the crate goes to.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the manifest and the lock file around the crate, which is in its folder already, and
    /// picks versions for dependencies that no lock file has: what is on this machine if possible.
    /// `home` is where the crate will be.
    pub(crate) fn surround(
        &self,
        folder: &str,
        home: &Path,
        workspace: Option<&Workspace>,
    ) -> Result<(), Error> {
        let failed = |error: &io::Error| Error::io("cannot prepare the trial of the pick", error);
        let root = root_manifest(folder, workspace);
        let text = toml::to_string(&root).map_err(|error| {
            Error::Failed(format!("cannot write the trial's manifest: {error}"))
        })?;
        fs::write(self.root.join("Cargo.toml"), text).map_err(|error| failed(&error))?;
        let manifest = self.folder.join("Cargo.toml");
        point_home(&manifest, home).map_err(|error| failed(&error))?;
        let lock = workspace.map_or_else(
            || self.folder.join("Cargo.lock"),
            |workspace| workspace.root.join("Cargo.lock"),
        );
        if lock.is_file() {
            fs::copy(&lock, self.root.join("Cargo.lock")).map_err(|error| failed(&error))?;
        }
        let resolve = || self.cargo(&["update", "--workspace", "--quiet"]);
        let offline = resolve().arg("--offline").stderr(Stdio::null()).status();
        match offline {
            Ok(status) if status.success() => Ok(()),
            _ => cargo::run(&mut resolve()),
        }
    }

    /// Builds the crate, and its tests too if they are wanted, and runs them.
    pub(crate) fn run(&self, nested: &[&Member], tests: bool) -> Result<Option<Counts>, Error> {
        // In a shared target folder, cargo takes the same package in another folder for this one
        // and may consider it fresh.
        let mut clean = self.cargo(&["clean", "--quiet", "--package", self.package]);
        for member in nested {
            clean.args(["--package", &member.name]);
        }
        cargo::run(&mut clean)?;
        if !tests {
            let args = ["build", "--locked", "--package", self.package];
            return cargo::run(&mut self.cargo(&args)).map(|()| None);
        }
        let args = ["test", "--locked", "--package", self.package, "--no-run"];
        cargo::run(&mut self.cargo(&args))?;
        let args = [
            "test",
            "--locked",
            "--package",
            self.package,
            "--no-fail-fast",
        ];
        counted(&mut self.cargo(&args)).map(Some)
    }

    /// The packages that a build of the crate brings along, as `name version`, in order.
    pub(crate) fn dependencies(&self) -> Result<Vec<String>, Error> {
        let args = ["tree", "--locked", "--edges", "normal,build"];
        let mut command = self.cargo(&args);
        command.args(["--package", self.package, "--prefix", "none"]);
        let output = cargo::output(&mut command)?;
        let text = String::from_utf8_lossy(&output);
        let names: BTreeSet<String> = text
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (name, version) = (words.next()?, words.next()?);
                Some(format!("{name} {}", version.trim_start_matches('v')))
            })
            .collect();
        Ok(names.into_iter().collect())
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = cargo::command();
        command
            .args(args)
            .current_dir(self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        // Files and lines for backtraces, at a third of the disk.
        if std::env::var_os("CARGO_PROFILE_DEV_DEBUG").is_none() {
            command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        }
        command
    }
}

/// The user's workspace with one member, or one with the newest resolver.
fn root_manifest(folder: &str, workspace: Option<&Workspace>) -> Table {
    let mut own = Table::new();
    let mut inner = Table::new();
    if let Some(workspace) = workspace {
        let theirs = workspace.table.get("workspace").and_then(Value::as_table);
        inner = theirs.cloned().unwrap_or_default();
        for key in ["members", "default-members", "exclude"] {
            inner.remove(key);
        }
        let edition = workspace
            .table
            .get("package")
            .and_then(|one| one.get("edition"));
        if !inner.contains_key("resolver")
            && let Some(resolver) = edition.and_then(Value::as_str).and_then(resolver)
        {
            inner.insert("resolver".to_string(), resolver.into());
        }
        for key in INHERITED {
            if let Some(section) = workspace.table.get(key) {
                own.insert(key.to_string(), section.clone());
            }
        }
        let home = &workspace.root;
        each(inner.get_mut("dependencies"), |one| lead(one, home));
        each(own.get_mut("replace"), |one| lead(one, home));
        each(own.get_mut("patch"), |registry| {
            each(Some(registry), |one| lead(one, home));
        });
    } else {
        inner.insert("resolver".to_string(), "3".into());
    }
    inner.insert("members".to_string(), Value::Array(vec![folder.into()]));
    own.insert("workspace".to_string(), Value::Table(inner));
    own
}

/// The resolver of a root package that names none.
fn resolver(edition: &str) -> Option<&'static str> {
    match edition {
        "2015" | "2018" => None,
        "2021" => Some("2"),
        _ => Some("3"),
    }
}

/// Does something with each value of a table.
fn each(table: Option<&mut Value>, mut action: impl FnMut(&mut Value)) {
    let table = table.and_then(Value::as_table_mut);
    for (_, value) in table.into_iter().flatten() {
        action(value);
    }
}

/// Makes the path of a dependency absolute, if it has one.
fn lead(dependency: &mut Value, home: &Path) {
    if let Some(path) = dependency
        .as_table_mut()
        .and_then(|one| one.get_mut("path"))
        && let Some(relative) = path.as_str()
    {
        *path = home.join(relative).to_string_lossy().into_owned().into();
    }
}

/// Makes the dependencies on folders outside the crate, which only a user can have added, lead to
/// where they lead from its home.
fn point_home(manifest: &Path, home: &Path) -> io::Result<()> {
    let text = fs::read_to_string(manifest)?;
    // Cargo says what is wrong with it.
    let Ok(mut table) = text.parse::<Table>() else {
        return Ok(());
    };
    let before = table.clone();
    let point = |table: &mut Table| {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            each(table.get_mut(section), |one| {
                let path = one.get("path").and_then(Value::as_str);
                if path.is_some_and(|path| path.starts_with("..")) {
                    lead(one, home);
                }
            });
        }
    };
    point(&mut table);
    each(table.get_mut("target"), |target| {
        if let Some(target) = target.as_table_mut() {
            point(target);
        }
    });
    if table != before {
        // It may be a link to a file of the user.
        fs::remove_file(manifest)?;
        fs::write(manifest, toml::to_string(&table).map_err(io::Error::other)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trial_has_all_of_the_users_workspace_but_its_members() {
        let table: Table = "[package]\nname = 'app'\nedition = '2021'\n\
             [workspace]\nmembers = ['a', 'b']\nexclude = ['c']\n\
             [workspace.dependencies]\nmine = { path = 'mine' }\nserde = '1'\n\
             [workspace.lints.rust]\nunsafe_code = 'forbid'\n\
             [patch.crates-io]\nserde = { path = '../serde' }\n[profile.dev]\nopt-level = 1\n"
            .parse()
            .unwrap();
        let workspace = Workspace {
            root: PathBuf::from("/home/me/app"),
            table,
            folder: "vendor/tiny".to_string(),
            has_it: false,
        };
        let expected: Table = "[workspace]\nmembers = ['vendor/tiny']\nresolver = '2'\n\
             [workspace.dependencies]\nmine = { path = '/home/me/app/mine' }\nserde = '1'\n\
             [workspace.lints.rust]\nunsafe_code = 'forbid'\n\
             [patch.crates-io]\nserde = { path = '/home/me/app/../serde' }\n[profile.dev]\nopt-level = 1\n"
            .parse()
            .unwrap();
        assert_eq!(root_manifest("vendor/tiny", Some(&workspace)), expected);
        let expected: Table = "[workspace]\nmembers = ['crate']\nresolver = '3'\n"
            .parse()
            .unwrap();
        assert_eq!(root_manifest("crate", None), expected);
    }

    #[test]
    fn only_dependencies_outside_the_crate_lead_home() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        fs::write(
            &manifest,
            "[dependencies]\nkernels = { path = 'kernels' }\nmine = { path = '../mine' }\n\
             [[test]]\nname = 'a'\npath = '../tests/a.rs'\n",
        )
        .unwrap();
        point_home(&manifest, Path::new("/home/me/tiny")).unwrap();
        let table: Table = fs::read_to_string(&manifest).unwrap().parse().unwrap();
        let path = |name: &str| table["dependencies"][name]["path"].as_str();
        assert_eq!(path("kernels"), Some("kernels"));
        assert_eq!(path("mine"), Some("/home/me/tiny/../mine"));
        assert_eq!(table["test"][0]["path"].as_str(), Some("../tests/a.rs"));
    }
}
