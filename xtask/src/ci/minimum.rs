//! The minimum Rust version: a check of the dependencies, and a cargo of that version.

use std::fs;
use std::process::Command;

use serde::Deserialize;

use super::in_workspace;
use super::log::Log;
use super::toolchain::answers;
use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// Checks that no dependency in the lock file declares a newer version than the workspace. Calls of
/// the standard library are checked by clippy's `incompatible_msrv`.
pub(super) fn dependencies(packages: &Packages, log: &mut Log) -> Result<(), Error> {
    let declared = declared(packages).map_err(Error::Failed)?;
    let args = ["metadata", "--format-version", "1", "--locked", "--quiet"];
    let metadata = log.output(in_workspace(packages).args(args))?;
    let metadata: Metadata = serde_json::from_slice(&metadata).map_err(|error| {
        Error::Failed(format!("cannot read what `cargo metadata` says: {error}"))
    })?;
    let newer = newer_than(&declared, &metadata.packages);
    if !newer.is_empty() {
        return Err(Error::Failed(format!(
            "the workspace declares rust-version {declared}, and these need a newer one: {}; take older versions, or \
             declare a newer one",
            newer.join(", ")
        )));
    }
    log.say(&format!(
        "{} packages, none of which declares a newer version than {declared}",
        metadata.packages.len()
    ));
    Ok(())
}

/// The declared version and a cargo of that version, or the reason why there is none.
pub(super) fn minimum(packages: &Packages) -> Result<(String, Command), String> {
    let version = declared(packages)?;
    let cargo = || {
        let mut cargo = cargo::cleaned("rustup");
        cargo.args(["run", &version, "cargo"]);
        cargo.current_dir(&packages.root);
        // Rustup passes the current toolchain on in these variables.
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        cargo
    };
    if answers(cargo().arg("--version")) == Ok(true) {
        let cargo = cargo();
        return Ok((version, cargo));
    }
    Err(format!(
        "Rust {version} is not installed; run `rustup toolchain install {version}`"
    ))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    rust_version: Option<String>,
}

fn declared(packages: &Packages) -> Result<String, String> {
    let manifest = fs::read_to_string(packages.root.join("Cargo.toml"));
    declared_in(&manifest.unwrap_or_default())
        .ok_or_else(|| "the workspace declares no rust-version".to_string())
}

fn declared_in(manifest: &str) -> Option<String> {
    let table: toml::Table = manifest.parse().ok()?;
    let package = table.get("workspace")?.get("package")?;
    package.get("rust-version")?.as_str().map(str::to_string)
}

fn newer_than(declared: &str, packages: &[Package]) -> Vec<String> {
    let limit = numbers(declared);
    packages
        .iter()
        .filter_map(|package| {
            let needs = package.rust_version.as_deref()?;
            (numbers(needs) > limit)
                .then(|| format!("{} {} ({needs})", package.name, package.version))
        })
        .collect()
}

/// `1.89` is `1.89.0`.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    let parts = version
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0));
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, needs: Option<&str>) -> Package {
        Package {
            name: name.to_string(),
            version: "1.0.0".to_string(),
            rust_version: needs.map(str::to_string),
        }
    }

    #[test]
    fn the_minimum_version_is_read_off_the_workspace() {
        let manifest = "[workspace.package]\nrust-version = '1.89'\n";
        assert_eq!(declared_in(manifest).as_deref(), Some("1.89"));
        assert_eq!(declared_in("[workspace]\n"), None);
        assert_eq!(declared_in("no toml"), None);
    }

    #[test]
    fn packages_that_need_a_newer_version_are_named() {
        let packages = [
            package("silent", None),
            package("older", Some("1.9")),
            package("same", Some("1.89.0")),
            package("patch", Some("1.89.1")),
            package("newer", Some("1.100")),
            package("next", Some("2")),
        ];
        let newer = newer_than("1.89", &packages);
        assert_eq!(
            newer,
            [
                "patch 1.0.0 (1.89.1)",
                "newer 1.0.0 (1.100)",
                "next 1.0.0 (2)"
            ]
        );
        assert!(newer_than("2.0", &packages).is_empty());
    }
}
