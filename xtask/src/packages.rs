//! The packages of the workspace, as cargo reports them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cargo;
use crate::error::Error;
use crate::needs::Needs;
use crate::suggest::did_you_mean;

/// The package that tests the page of a report in a browser.
pub(crate) const BROWSER: &str = "xtask-browser";

/// The packages of benches that have tests: only those of `job-trace` can use `workload`.
pub(crate) const TESTED_RIVALS: [&str; 2] = ["job-trace-rivals", "workload-rivals"];

/// The crates under `crates/`, by name, and where the workspace is and builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo builds, as its configuration and environment say.
    pub target: PathBuf,
    /// The crates, sorted by name.
    pub crates: Vec<Crate>,
    /// All packages of the workspace, sorted by name.
    pub members: Vec<Member>,
}

/// One package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the root of the workspace.
    pub folder: PathBuf,
    /// The folders of the packages that it depends on by path, in any role, relative to the root.
    pub depends_on: Vec<PathBuf>,
}

/// One crate under `crates/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// The name of its folder and of the model: what users call it on the command line.
    pub name: String,
    /// The name of its package, by which cargo knows it.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its `Cargo.toml`.
    pub manifest: PathBuf,
    /// The description in its manifest.
    pub description: String,
    /// Whether it has a runner for the comparison.
    pub has_compare: bool,
    /// The declarations in the manifest of that runner.
    pub declared: Declared,
    /// Whether it has benches against rivals.
    pub has_rivals: bool,
    /// The features to turn on, `default` left out: there is more of it than what it is by default.
    pub features: Vec<String>,
}

/// The declarations under `[package.metadata.comparison]` in a runner's manifest, known before the
/// runner is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declared {
    /// The variants beside the default one.
    pub variants: Vec<String>,
    /// The variants that are given one worker per processor even where tasks wait, since that is
    /// what they show; the default one is `""`.
    pub per_core: Vec<String>,
    /// The most workers that it is given because tasks wait. Processes, for example, cost more than
    /// threads.
    pub most_workers: Option<usize>,
    /// The most tasks, each counted once per generation, with which it is measured unless it is
    /// named: a program for each of 10,000 tasks takes half a minute and teaches nothing.
    pub most_tasks: Option<usize>,
    /// The Items that it is for, in the second edition's numbers: it takes part in workloads of
    /// other Items only if it is named. Empty: it is for all.
    pub purpose_items: Vec<u8>,
    /// The program without which it is left out.
    pub needs: Option<Needs>,
}

impl Declared {
    /// Why the runner cannot take part on this machine, if it cannot.
    pub fn lack(&self) -> Option<String> {
        self.needs.as_ref()?.find().err()
    }
}

impl Crate {
    /// The package of its runner, if it has one.
    pub fn runner(&self) -> Option<String> {
        self.has_compare.then(|| format!("{}-compare", self.name))
    }

    /// Whether it has features to turn on.
    pub fn has_features(&self) -> bool {
        !self.features.is_empty()
    }

    /// The package of its benches against rivals, if it has one.
    pub fn rivals(&self) -> Option<String> {
        self.has_rivals.then(|| format!("{}-rivals", self.name))
    }
}

/// The workspace that the current directory is in.
///
/// # Errors
/// [`Error::Failed`] if cargo finds no workspace or cannot read it; cargo says why on stderr.
pub fn workspace() -> Result<Packages, Error> {
    let args = ["metadata", "--format-version", "1", "--no-deps"];
    Packages::from_metadata(&cargo::output(cargo::command().args(args))?)
}

impl Packages {
    /// The workspace in the answer of `cargo metadata`.
    ///
    /// # Errors
    /// [`Error::Failed`] if it is not such an answer.
    pub fn from_metadata(json: &[u8]) -> Result<Packages, Error> {
        let metadata: Metadata = serde_json::from_slice(json).map_err(|error| {
            Error::Failed(format!("cannot read what `cargo metadata` says: {error}"))
        })?;
        let folder = metadata.workspace_root.join("crates");
        let nested = |home: &Path, nested: &str, name: &str| {
            let place = home.join(nested).join("Cargo.toml");
            let name = format!("{name}-{nested}");
            let mut packages = metadata.packages.iter();
            packages.find(|package| package.manifest_path == place && package.name == name)
        };
        let mut crates: Vec<Crate> = Vec::new();
        for package in &metadata.packages {
            let home = package.manifest_path.parent();
            let Some(home) = home.filter(|home| home.parent() == Some(&folder)) else {
                continue;
            };
            let Some(name) = home.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let runner = nested(home, "compare", name);
            crates.push(Crate {
                name: name.to_string(),
                package: package.name.clone(),
                version: package.version.clone(),
                manifest: package.manifest_path.clone(),
                description: package.description.clone().unwrap_or_default(),
                has_compare: runner.is_some(),
                declared: runner.map_or_else(|| Ok(Declared::default()), Package::declared)?,
                has_rivals: nested(home, "rivals", name).is_some(),
                features: package
                    .features
                    .keys()
                    .filter(|name| *name != "default")
                    .cloned()
                    .collect(),
            });
        }
        crates.sort_by(|one, other| one.name.cmp(&other.name));
        let members = members(&metadata);
        Ok(Packages {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            crates,
            members,
        })
    }

    /// The crate of this name, which may also be that of its package.
    ///
    /// # Errors
    /// [`Error::Usage`], which lists the crates there are.
    pub fn find(&self, name: &str) -> Result<&Crate, Error> {
        self.crates
            .iter()
            .find(|package| package.name == name || package.package == name)
            .ok_or_else(|| {
                let known: Vec<&str> = self
                    .crates
                    .iter()
                    .map(|package| package.name.as_str())
                    .collect();
                Error::Usage(format!(
                    "there is no crate `{name}` under crates/: {}use one of {}",
                    did_you_mean(name, known.iter().copied()),
                    known.join(", ")
                ))
            })
    }

    /// The packages inside the crate's folder that it depends on: they are picked with it.
    pub fn nested(&self, of: &Crate) -> Vec<&Member> {
        let Some(whole) = self.members.iter().find(|found| found.name == of.package) else {
            return Vec::new();
        };
        let inside = |member: &&Member| {
            member.folder.starts_with(&whole.folder) && whole.depends_on.contains(&member.folder)
        };
        self.members.iter().filter(inside).collect()
    }

    /// The names of the packages that have tests, in order. Packages of benches have none, except
    /// for their harness and some tests of two. `xtask-browser` is left out, since its tests
    /// need a browser.
    pub fn tested(&self) -> impl Iterator<Item = &str> {
        let names = self.members.iter().map(|member| member.name.as_str());
        let benches = |name: &str| name.ends_with("-rivals") && !TESTED_RIVALS.contains(&name);
        names.filter(move |name| *name != BROWSER && !benches(name))
    }

    /// The crates of these names, each once, in the order given; all of them if none is named.
    ///
    /// # Errors
    /// As [`find`](Packages::find).
    pub fn select(&self, names: &[impl AsRef<str>]) -> Result<Vec<&Crate>, Error> {
        if names.is_empty() {
            return Ok(self.crates.iter().collect());
        }
        let mut selected: Vec<&Crate> = Vec::new();
        for name in names {
            let package = self.find(name.as_ref())?;
            if !selected.iter().any(|before| before.name == package.name) {
                selected.push(package);
            }
        }
        Ok(selected)
    }
}

fn members(metadata: &Metadata) -> Vec<Member> {
    let from_root = |path: &Path| {
        let inside = path.strip_prefix(&metadata.workspace_root);
        inside.unwrap_or(path).to_path_buf()
    };
    let mut members: Vec<Member> = metadata
        .packages
        .iter()
        .map(|package| Member {
            name: package.name.clone(),
            folder: package
                .manifest_path
                .parent()
                .map(from_root)
                .unwrap_or_default(),
            depends_on: package
                .dependencies
                .iter()
                .filter_map(|dependency| dependency.path.as_deref().map(from_root))
                .collect(),
        })
        .collect();
    members.sort_by(|one, other| one.name.cmp(&other.name));
    members
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    manifest_path: PathBuf,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    metadata: serde_json::Value,
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
}

impl Package {
    /// The table `[package.metadata.comparison]`.
    fn declared(&self) -> Result<Declared, Error> {
        let declared = &self.metadata["comparison"];
        if declared.is_null() {
            return Ok(Declared::default());
        }
        Declared::deserialize(declared).map_err(|error| {
            Error::Failed(format!(
                "{}: [package.metadata.comparison]: {error}",
                self.manifest_path.display()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Packages {
        let json = br#"{"workspace_root": "/w", "target_directory": "/t", "packages": [
            {"name": "xtask", "version": "0.1.0", "manifest_path": "/w/xtask/Cargo.toml"},
            {"name": "effective-threads", "version": "0.2.0", "description": "One thread per task.", "manifest_path": "/w/crates/threads/Cargo.toml",
             "features": {"default": [], "tokio": ["dep:tokio"]}},
            {"name": "threads-compare", "version": "0.1.0", "manifest_path": "/w/crates/threads/compare/Cargo.toml",
             "dependencies": [{"name": "effective-threads", "path": "/w/crates/threads"}, {"name": "serde"}],
             "metadata": {"comparison": {"variants": ["limited", "cores"], "per_core": ["cores"],
                "most_workers": 32, "purpose_items": [62]}}},
            {"name": "locks-rivals", "version": "0.1.0", "manifest_path": "/w/crates/locks/rivals/Cargo.toml"},
            {"name": "effective-locks", "version": "0.1.0", "manifest_path": "/w/crates/locks/Cargo.toml", "features": {"default": []}}
        ]}"#;
        Packages::from_metadata(json).unwrap()
    }

    #[test]
    fn crates_are_found_with_their_nested_packages() {
        let packages = example();
        let found: Vec<_> = packages
            .crates
            .iter()
            .map(|found| (found.name.as_str(), found.runner(), found.rivals()))
            .collect();
        let (runner, rivals) = ("threads-compare".to_string(), "locks-rivals".to_string());
        assert_eq!(
            found,
            [
                ("locks", None, Some(rivals)),
                ("threads", Some(runner), None)
            ]
        );
        let declared = &packages.crates[1].declared;
        assert_eq!(declared.variants, ["limited", "cores"]);
        assert_eq!(
            (declared.most_workers, &declared.purpose_items[..]),
            (Some(32), &[62][..])
        );
        assert_eq!(declared.per_core, ["cores"]);
        assert_eq!(packages.crates[0].declared, Declared::default());
        assert_eq!(packages.crates[1].description, "One thread per task.");
        assert_eq!(packages.crates[0].description, "");
        assert_eq!(
            (packages.root.as_path(), packages.target.as_path()),
            (Path::new("/w"), Path::new("/t"))
        );
        assert_eq!(packages.crates[1].version, "0.2.0");
        assert_eq!(packages.crates[1].package, "effective-threads");
        assert!(packages.crates[1].has_features() && !packages.crates[0].has_features());
    }

    #[test]
    fn a_manifest_with_a_misspelt_declaration_is_refused() {
        let json = br#"{"workspace_root": "/w", "target_directory": "/t", "packages": [
            {"name": "a", "version": "0.1.0", "manifest_path": "/w/crates/a/Cargo.toml"},
            {"name": "a-compare", "version": "0.1.0", "manifest_path": "/w/crates/a/compare/Cargo.toml",
             "metadata": {"comparison": {"variant": ["b"]}}}
        ]}"#;
        let error = Packages::from_metadata(json).unwrap_err().to_string();
        assert!(
            error.contains("/w/crates/a/compare/Cargo.toml") && error.contains("variants"),
            "{error}"
        );
    }

    #[test]
    fn members_list_their_folders_and_dependencies() {
        let members = example().members;
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "effective-locks",
                "effective-threads",
                "locks-rivals",
                "threads-compare",
                "xtask"
            ]
        );
        assert_eq!(members[3].folder, Path::new("crates/threads/compare"));
        assert_eq!(members[3].depends_on, [Path::new("crates/threads")]);
        assert!(members[1].depends_on.is_empty());
    }

    #[test]
    fn crate_is_found_by_the_name_of_its_package_too() {
        let packages = example();
        for name in ["threads", "effective-threads"] {
            assert_eq!(packages.find(name).unwrap().name, "threads");
        }
        assert!(packages.find("threads-compare").is_err());
    }

    #[test]
    fn an_unknown_crate_is_a_usage_error_that_lists_the_known() {
        let error = example().select(&["thread".to_string()]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.to_string(),
            "there is no crate `thread` under crates/: did you mean `threads`? use one of locks, threads"
        );
    }

    #[test]
    fn none_named_selects_all_and_one_named_twice_comes_once() {
        let packages = example();
        let names = |names: &[&str]| -> Vec<String> {
            packages
                .select(names)
                .unwrap()
                .iter()
                .map(|found| found.name.clone())
                .collect()
        };
        assert_eq!(names(&[]), ["locks", "threads"]);
        assert_eq!(
            names(&["threads", "locks", "threads"]),
            ["threads", "locks"]
        );
    }
}
