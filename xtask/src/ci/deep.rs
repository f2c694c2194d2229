//! What ordinary tests cannot see: interleavings, memory errors, long runs, proofs that something does not compile.
//!
//! A crate takes part by what its files hold, so that a new one is checked without a change here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::in_workspace;
use super::steps::Steps;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages};
use crate::test::{print, test_passed};

/// How long a soak runs unless the environment says otherwise.
const SOAK_SECONDS: &str = "60";

/// Every check for every crate that has something for it.
pub(super) fn all(packages: &Packages, steps: &mut Steps) -> Result<(), Error> {
    for found in crates_with(packages, has_model_check) {
        let title = format!("model checks of `{}`", found.name);
        steps.step(&title, || model_check(packages, found))?;
    }
    for found in crates_with(packages, has_refused_code) {
        let title = format!("code that must not compile, in `{}`", found.name);
        steps.step(&title, || refused_code(packages, found))?;
    }
    for found in crates_with(packages, may_be_unsafe) {
        let title = format!("AddressSanitizer over the tests of `{}`", found.name);
        steps.step(&title, || sanitized(packages, found))?;
    }
    let soaked: Vec<&Crate> = crates_with(packages, has_soak).collect();
    for pair in soaked.chunks(2) {
        let names: Vec<String> = pair.iter().map(|one| format!("`{}`", one.name)).collect();
        let title = format!("soak of {}", names.join(" beside "));
        steps.step(&title, || soak(packages, pair))?;
    }
    for rivals in packages.crates.iter().filter(|found| has_bench(found)) {
        let title = format!(
            "the benches of `{}` against its rivals, one round",
            rivals.name
        );
        steps.step(&title, || bench_once(packages, rivals))?;
    }
    Ok(())
}

fn crates_with(packages: &Packages, has: impl Fn(&Path) -> bool) -> impl Iterator<Item = &Crate> {
    packages.crates.iter().filter(move |found| has(home(found)))
}

fn home(found: &Crate) -> &Path {
    // A manifest's path always has a folder.
    found.manifest.parent().unwrap_or(Path::new("."))
}

fn has_model_check(home: &Path) -> bool {
    home.join("tests/model_check.rs").is_file()
}

fn has_soak(home: &Path) -> bool {
    home.join("tests/soak.rs").is_file()
}

fn may_be_unsafe(home: &Path) -> bool {
    fs::read_to_string(home.join("src/lib.rs"))
        .is_ok_and(|text| !text.contains("#![forbid(unsafe_code)]"))
}

fn has_refused_code(home: &Path) -> bool {
    let mut folders = vec![home.join("src")];
    let mut texts = vec![home.join("README.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push(path);
            }
        }
    }
    texts
        .iter()
        .any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("compile_fail,E")))
}

fn has_bench(found: &Crate) -> bool {
    found.has_rivals && home(found).join("rivals/benches").is_dir()
}

/// With a setting of our own: loom's would change crates that we only use, and some of them then do not compile.
fn model_check(packages: &Packages, found: &Crate) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command
        .args(["test", "--release", "--package", &found.name])
        .args(["--test", "model_check"])
        .env("RUSTFLAGS", flags("--cfg model_check"))
        .env("CARGO_TARGET_DIR", folder(packages, "model-check"));
    test_passed(&mut command)
}

/// The stable compiler takes `compile_fail,E…` as `compile_fail`: any error would do. This looks at which one it is.
fn refused_code(packages: &Packages, found: &Crate) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command
        .args(["test", "--doc", "--package", &found.name])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", folder(packages, "bootstrap"));
    test_passed(&mut command)
}

fn sanitized(packages: &Packages, found: &Crate) -> Result<(), Error> {
    let host = host()?;
    if !["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"].contains(&host.as_str()) {
        print(format!("left out: no AddressSanitizer comes with Rust for {host}\n").as_bytes());
        return Ok(());
    }
    let mut command = in_workspace(packages);
    command
        .args(["test", "--package", &found.name, "--lib", "--tests"])
        .args(all_features(found))
        // Named, so that build scripts and macros are not instrumented.
        .args(["--target", &host])
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            flags("-Zsanitizer=address --cfg address_sanitizer"),
        )
        // A payload whose destructor panics for ever is leaked on purpose. The soaks look for leaks.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .env("CARGO_TARGET_DIR", folder(packages, "sanitizer"));
    test_passed(&mut command)
}

/// Two at a time: each is the other's disturbance, and it takes half as long. What they print comes line by line.
fn soak(packages: &Packages, pair: &[&Crate]) -> Result<(), Error> {
    let results: Vec<Result<(), Error>> = thread::scope(|scope| {
        let running: Vec<_> = pair
            .iter()
            .map(|&found| scope.spawn(move || soak_one(packages, found)))
            .collect();
        running
            .into_iter()
            .map(|one| {
                one.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    results.into_iter().collect()
}

fn soak_one(packages: &Packages, found: &Crate) -> Result<(), Error> {
    let seconds = env::var("SOAK_SECONDS").unwrap_or_else(|_| SOAK_SECONDS.to_string());
    let mut command = in_workspace(packages);
    command
        .args(["test", "--release", "--package", &found.name])
        .args(all_features(found))
        .args(["--test", "soak", "--", "--nocapture", "--test-threads=1"])
        .env("SOAK_SECONDS", seconds)
        // Its panics are meant, and there are very many.
        .env("RUST_BACKTRACE", "0");
    test_passed(&mut command)
}

/// That it runs, not how fast: figures of one round mean nothing.
fn bench_once(packages: &Packages, found: &Crate) -> Result<(), Error> {
    let package = format!("{}-rivals", found.name);
    cargo::run(in_workspace(packages).args(["bench", "--package", &package, "--", "--rounds", "1"]))
}

/// What is left out by default is looked at too.
fn all_features(found: &Crate) -> Option<&'static str> {
    found.has_features.then_some("--all-features")
}

/// The user's own flags, and these.
fn flags(more: &str) -> String {
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    format!("{flags} {more}").trim_start().to_string()
}

/// A place of its own for what is built with other flags, so that nothing is built twice by turns.
fn folder(packages: &Packages, name: &str) -> PathBuf {
    packages.target.join(name)
}

/// What this machine's compiler builds for.
fn host() -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(|error| Error::io("cannot ask rustc for its version", &error))?;
    host_in(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Error::Failed("`rustc -vV` names no host".to_string()))
}

fn host_in(version: &str) -> Option<String> {
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(home: &Path, path: &str, text: &str) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_crate_takes_part_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        write(home, "src/lib.rs", "#![forbid(unsafe_code)]\n");
        assert!(!may_be_unsafe(home) && !has_model_check(home));
        assert!(!has_soak(home) && !has_refused_code(home));

        write(home, "src/lib.rs", "#![deny(unsafe_code)]\n");
        write(home, "src/deep/race.rs", "//! ```compile_fail,E0277\n");
        write(home, "tests/soak.rs", "");
        write(home, "tests/model_check.rs", "");
        assert!(may_be_unsafe(home) && has_model_check(home));
        assert!(has_soak(home) && has_refused_code(home));
    }

    #[test]
    fn the_host_is_read_off_the_compiler() {
        let version =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(
            host_in(version).as_deref(),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(host_in(""), None);
        assert!(host().is_ok());
    }
}
