//! The crate of a job: found, checked and built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use workload::definition::{Action, Definition, Pattern, Scale, Step};

use super::contestant::SEQUENTIAL;
use super::list::Model;
use crate::cargo;
use crate::error::Error;
use crate::files;
use crate::packages::{Packages, workspace};
use crate::rustflags;

/// The package that a job depends on, which links all models.
pub(crate) const PACKAGE: &str = "workload-job";

/// The limit on the size of a `Cargo.toml`.
const MOST_MANIFEST: u64 = 1 << 20;

/// The seed of the inputs, unless the user gives one.
const SEED: u64 = 1;

/// The crate of a job.
#[derive(Debug)]
pub(crate) struct JobCrate {
    /// Its `Cargo.toml`, by an absolute path.
    manifest: PathBuf,
    package: String,
    /// The name of its table.
    name: String,
    about: String,
    packages: Packages,
}

impl JobCrate {
    /// Finds the crate in this folder.
    ///
    /// # Errors
    ///
    /// A usage error if there is none, or it is no job of this checkout.
    pub(crate) fn find(folder: &Path) -> Result<JobCrate, Error> {
        let shown = folder.display();
        // Cargo.toml itself may be a link, and then what it names is beside the link.
        let manifest = fs::canonicalize(folder).map(|folder| folder.join("Cargo.toml"));
        let manifest = manifest.ok().filter(|manifest| manifest.exists());
        let manifest = manifest.ok_or_else(|| {
            Error::Usage(format!(
                "--job {shown}: there is no Cargo.toml; make a job with `cargo xtask new job {shown}`"
            ))
        })?;
        let refused = |why: &str| Error::Usage(format!("--job {shown}: {why}"));
        let text = files::read_text(&manifest, MOST_MANIFEST)
            .map_err(|error| refused(&format!("its Cargo.toml cannot be read: {error}")))?;
        let table: Manifest = toml::from_str(&text)
            .map_err(|error| refused(&format!("its Cargo.toml: {}", error.message())))?;
        let found = table
            .package
            .ok_or_else(|| refused("its Cargo.toml has no [package]"))?;
        let packages = workspace()?;
        let home = manifest.parent().unwrap_or(Path::new("."));
        check_dependency(&table.dependencies, home, &packages.root).map_err(|why| refused(&why))?;
        Ok(JobCrate {
            name: table_name(&found.name),
            about: match found.description {
                Some(toml::Value::String(about)) => about,
                // Inherited from a workspace.
                _ => String::new(),
            },
            package: found.name,
            manifest,
            packages,
        })
    }

    /// The name of its table.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The workload that calls its function. The number of tasks is not known before it is built.
    pub(super) fn definition(&self) -> Definition {
        Definition {
            name: self.name.clone(),
            about: self.about.clone(),
            pattern: Pattern::Map,
            tasks: 1,
            seed: SEED,
            items: Vec::new(),
            show: Vec::new(),
            steps: vec![Step {
                action: Action::Job,
                kind: None,
                weight: 1.0,
                stage: None,
            }],
            replay: None,
            scale: Scale::ONE,
        }
    }

    /// Whether its program is a runner of this model too.
    pub(super) fn links(&self, model: &Model) -> bool {
        let mut members = self.packages.members.iter();
        let Some(member) = members.find(|member| member.name == PACKAGE) else {
            return false;
        };
        let runner = Path::new("crates").join(&model.crate_name).join("compare");
        model.name == SEQUENTIAL || member.depends_on.contains(&runner)
    }

    /// The full id of its package. The name alone may also be that of a crate it depends on.
    fn id(&self) -> Result<String, Error> {
        let mut metadata = cargo::command();
        metadata.args(["metadata", "--format-version", "1", "--no-deps"]);
        metadata.arg("--manifest-path").arg(&self.manifest);
        id_in(&cargo::output(&mut metadata)?, &self.manifest)
    }

    /// Builds it for release in the target folder of this checkout, with the flags of the runners.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] if it does not build; cargo says why on stderr.
    pub(super) fn build(&self) -> Result<PathBuf, Error> {
        let folder = self.manifest.parent().unwrap_or(Path::new("."));
        eprintln!("building the job `{}` with all models", self.package);
        let here = std::env::current_dir().ok();
        let flags = here.and_then(|here| rustflags::of_runners(&here));
        let mut build = building(&self.manifest, &self.packages.target, flags.as_deref());
        build.args(["--package", &self.id()?]);
        build.arg("--message-format=json-render-diagnostics");
        let messages = cargo::output(&mut build).map_err(|error| match error {
            Error::Failed(_) => Error::Failed(format!(
                "the job in {} does not build, see above",
                folder.display()
            )),
            other => other,
        })?;
        let built = cargo::executables(&messages);
        let mut programs = built.values();
        match (programs.next(), programs.next()) {
            (Some(program), None) => Ok(program.clone()),
            (None, _) => Err(Error::Failed(format!(
                "the job in {} has no program: it needs a src/main.rs",
                folder.display()
            ))),
            (Some(_), Some(_)) => Err(Error::Failed(format!(
                "the job in {} has several programs, {}: a job has one",
                folder.display(),
                built.keys().cloned().collect::<Vec<_>>().join(" and ")
            ))),
        }
    }
}

/// The command that builds a job for release in this target folder.
pub(crate) fn building(manifest: &Path, target: &Path, flags: Option<&str>) -> Command {
    let mut build = cargo::command();
    build
        .args(["build", "--release", "--bins", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target);
    if let Some(flags) = flags {
        build.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    build
}

/// Refuses a crate that does not depend on the package of this checkout.
fn check_dependency(dependencies: &toml::Table, home: &Path, root: &Path) -> Result<(), String> {
    let named = |(key, value): &(&String, &toml::Value)| {
        let package = value.get("package").and_then(toml::Value::as_str);
        package.unwrap_or(key.as_str()) == PACKAGE
    };
    let Some((_, dependency)) = dependencies.iter().find(named) else {
        return Err(format!(
            "it is no job, since it does not depend on `{PACKAGE}`; make one with `cargo xtask new job DIR`"
        ));
    };
    // Cargo finds the path that the job's own workspace gives.
    if dependency.get("workspace").is_some() {
        return Ok(());
    }
    let own = root.join("crates/workload/job");
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match dependency.get("path").and_then(toml::Value::as_str) {
        Some(path) if real(&home.join(path)) == real(&own) => Ok(()),
        Some(path) => Err(format!(
            "its `{PACKAGE}` is {path}, not that of this checkout; compare it there, or write `path = \"{}\"` in its \
             Cargo.toml",
            own.display()
        )),
        None => Err(format!(
            "its `{PACKAGE}` has no path; write `path = \"{}\"` in its Cargo.toml",
            own.display()
        )),
    }
}

/// The id of the package with this manifest in the answer of `cargo metadata`.
fn id_in(json: &[u8], manifest: &Path) -> Result<String, Error> {
    let metadata: Metadata = serde_json::from_slice(json).map_err(|error| {
        Error::Failed(format!("cannot read what `cargo metadata` says: {error}"))
    })?;
    let mut packages = metadata.packages.into_iter();
    let package = packages.find(|package| package.manifest_path == manifest);
    package.map(|package| package.id).ok_or_else(|| {
        Error::Failed(format!(
            "`cargo metadata` knows no package of {}",
            manifest.display()
        ))
    })
}

/// The name of a table for a package of this name: a-z, 0-9 and - only.
fn table_name(package: &str) -> String {
    let fits = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            letter
        } else {
            '-'
        }
    };
    package.chars().map(fits).take(64).collect()
}

/// The parts of a `Cargo.toml` that matter here.
#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    #[serde(default)]
    dependencies: toml::Table,
}

/// The answer of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: String,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: Option<toml::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(dependencies: &str) -> Result<(), String> {
        let dependencies = dependencies.parse().unwrap();
        check_dependency(&dependencies, Path::new("/w/jobs/mine"), Path::new("/w"))
    }

    #[test]
    fn package_of_another_checkout_is_refused_with_both_paths() {
        let own = "workload-job = { path = \"/w/crates/workload/job\" }";
        assert_eq!(checked(own), Ok(()));
        let renamed = "j = { package = \"workload-job\", path = \"/w/crates/workload/job\" }";
        assert_eq!(checked(renamed), Ok(()));
        assert_eq!(checked("workload-job.workspace = true"), Ok(()));
        let why = checked("workload-job = { path = \"/o/crates/workload/job\" }").unwrap_err();
        assert!(
            why.contains("/o/crates") && why.contains("\"/w/crates/workload/job\""),
            "{why}"
        );
        let why = checked("workload-job = \"1\"").unwrap_err();
        assert!(why.contains("has no path"), "{why}");
    }

    #[test]
    fn crate_that_is_no_job_is_refused() {
        let why = checked("serde = \"1\"").unwrap_err();
        assert!(why.contains("cargo xtask new job"), "{why}");
    }

    #[test]
    fn name_of_a_package_becomes_that_of_a_table() {
        assert_eq!(table_name("My_orders2"), "my-orders2");
        assert_eq!(table_name(&"x".repeat(99)).len(), 64);
    }
}
