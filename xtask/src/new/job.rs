//! `cargo xtask new job DIR`: the crate of a job to start from, which runs as it is.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::packages::Packages;

const MANIFEST: &str = include_str!("job/Cargo.toml.in");
const PROGRAM: &str = include_str!("job/main.rs.in");

/// Names that cannot be those of a package with a program: keywords, reserved ones included, the
/// crates that are always there, and folders in cargo's target folder.
const RESERVED: [&str; 66] = [
    "abstract",
    "alignof",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "job",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "offsetof",
    "override",
    "priv",
    "proc",
    "proc-macro",
    "pub",
    "pure",
    "ref",
    "return",
    "self",
    "sizeof",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Programs of the checkout, whose place in its target folder a job must not take.
const PROGRAMS: [&str; 3] = ["origin", "requests", "sequential"];

/// Writes a crate into `folder` and returns what to tell the user.
///
/// # Errors
/// [`Error::Usage`] for a folder that has something in it, cannot be written to, or is where the
/// workspace looks for its own packages.
pub fn job(packages: &Packages, folder: &Path) -> Result<String, Error> {
    let shown = folder.display();
    let absolute = plain(folder)
        .map_err(|error| Error::Usage(format!("{shown}: cannot be found: {error}")))?;
    let root = fs::canonicalize(&packages.root).unwrap_or_else(|_| packages.root.clone());
    check_place(&absolute, &root).map_err(|why| Error::Usage(format!("{shown}: {why}")))?;
    // The versions that the checkout was tested with; cargo drops those that the job does not need.
    let lock = files::read(&root.join("Cargo.lock"), MOST_LOCK).unwrap_or_default();
    let name = name(&absolute, packages, &String::from_utf8_lossy(&lock));
    let library = root.join("crates/workload/job");
    // Inside the checkout a relative path survives when the checkout moves; outside, an absolute
    // one survives when the job does.
    let inside = absolute.strip_prefix(&root).ok().map(up);
    let path = match &inside {
        Some(up) => up.join("crates/workload/job"),
        None => library,
    };
    let quoted = path.to_str().map(quoted).ok_or_else(|| {
        Error::Usage(format!(
            "{}: its name is not UTF-8, so no Cargo.toml can name it; move the checkout",
            path.display()
        ))
    })?;
    let place = match inside {
        Some(_) => " The path is relative, so the checkout can be moved.",
        None => " The path is absolute, so this folder can be moved.",
    };
    let manifest = MANIFEST.replace("NAME", &name).replace("WHERE", place);
    let manifest = manifest.replace("PATH", &quoted);
    let command = format!("--job {}", shell_words::quote(&shown.to_string()));
    let program = PROGRAM.replace("--job DIR", &command);
    write(folder, &manifest, &program, &lock)
        .map_err(|error| Error::Usage(format!("{shown}: cannot be written: {error}")))?;
    Ok(told(folder, &command))
}

/// The limit on the size of the checkout's lock file.
const MOST_LOCK: u64 = 16 << 20;

/// The absolute path with the links of the part that exists resolved.
fn plain(folder: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(folder)?;
    let mut known = absolute.as_path();
    let mut rest = Vec::new();
    loop {
        if let Ok(real) = fs::canonicalize(known) {
            return Ok(rest.iter().rev().fold(real, |path, part| path.join(part)));
        }
        match (known.components().next_back(), known.parent()) {
            (Some(Component::Normal(name)), Some(parent)) => {
                rest.push(name.to_owned());
                known = parent;
            }
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Refuses folders in use, and those that the globs of the workspace would take for its own.
fn check_place(folder: &Path, root: &Path) -> Result<(), String> {
    let found = fs::read_dir(folder);
    if found
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory)
    {
        return Err("it is no folder; name one that is missing or empty".to_owned());
    }
    if found.is_ok_and(|entries| entries.count() > 0) {
        return Err("there is something in it; name a folder that is missing or empty".to_owned());
    }
    if folder == root || folder.starts_with(root.join("crates")) {
        return Err("is for the packages of the checkout; name a folder elsewhere".to_owned());
    }
    Ok(())
}

/// A package name like that of the folder, and unlike those of the packages it is built with, which
/// `lock` lists.
fn name(folder: &Path, packages: &Packages, lock: &str) -> String {
    let last = folder.file_name().unwrap_or_default().to_string_lossy();
    let letters = last
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            fits @ ('a'..='z' | '0'..='9') => fits,
            _ => '-',
        });
    let name: String = letters.take(48).collect();
    let name = name.trim_matches('-');
    let is_taken = packages.members.iter().any(|member| member.name == name)
        || workload::definition::builtin(name).is_some()
        || PROGRAMS.contains(&name)
        || RESERVED.contains(&name)
        || lock
            .lines()
            .any(|line| line == format!("name = \"{name}\""));
    match name {
        "" => "my-job".to_owned(),
        name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("job-{name}"),
        name if is_taken => format!("{name}-job"),
        name => name.to_owned(),
    }
}

/// The way from a folder at this path up to where the path begins.
fn up(path: &Path) -> PathBuf {
    path.components().map(|_| "..").collect()
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn write(folder: &Path, manifest: &str, program: &str, lock: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    files::create(&folder.join("src/main.rs"), program.as_bytes())?;
    if !lock.is_empty() {
        files::create(&folder.join("Cargo.lock"), lock)?;
    }
    files::create(&folder.join("Cargo.toml"), manifest.as_bytes())
}

fn told(folder: &Path, command: &str) -> String {
    let main = folder.join("src/main.rs");
    let manifest = folder.join("Cargo.toml");
    format!(
        "wrote {main}: put your function and its inputs there, and the crates that it uses into\n{manifest}, then run\n\n    \
         cargo xtask compare {command}\n\nin this checkout. It runs as it is, too. docs/your-job.md explains it.\n",
        main = main.display(),
        manifest = manifest.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(root: &Path) -> Packages {
        Packages {
            root: root.to_owned(),
            target: root.join("target"),
            crates: Vec::new(),
            members: Vec::new(),
        }
    }

    #[test]
    fn job_outside_has_an_absolute_path_and_one_inside_a_relative() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let root = base.join("check \"out\"");
        fs::create_dir(&root).unwrap();
        for (place, path) in [
            (base.join("orders"), root.join("crates/workload/job")),
            (
                root.join("mine/orders"),
                PathBuf::from("../../crates/workload/job"),
            ),
        ] {
            let told = job(&packages(&root), &place).unwrap();
            assert!(told.contains("cargo xtask compare --job"), "{told}");
            let manifest = fs::read_to_string(place.join("Cargo.toml")).unwrap();
            let manifest: toml::Table = manifest.parse().unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some("orders"));
            let found = manifest["dependencies"]["workload-job"]["path"].as_str();
            assert_eq!(found.map(Path::new), Some(path.as_path()));
            assert!(manifest.contains_key("workspace"));
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("checkout");
        fs::create_dir(&root).unwrap();
        let place = folder.path().join("orders");
        job(&packages(&root), &place).unwrap();
        let before = fs::read_to_string(place.join("src/main.rs")).unwrap();
        let error = job(&packages(&root), &place).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("something in it"), "{error}");
        assert_eq!(
            fs::read_to_string(place.join("src/main.rs")).unwrap(),
            before
        );
        let file = folder.path().join("file");
        fs::write(&file, "mine").unwrap();
        let error = job(&packages(&root), &file).unwrap_err().to_string();
        assert!(error.contains("no folder"), "{error}");
    }

    #[test]
    fn folders_of_the_workspace_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for place in ["crates/mine", "crates/threads/compare", "."] {
            let error = job(&packages(root), &root.join(place)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{place}");
        }
        assert_eq!(fs::read_dir(root).unwrap().count(), 0);
    }

    #[test]
    fn name_of_a_folder_becomes_that_of_a_package() {
        let packages = packages(Path::new("/w"));
        let lock = "[[package]]\nname = \"tokio\"\nversion = \"1.0.0\"\n";
        let named = |folder: &str| name(Path::new(folder), &packages, lock);
        assert_eq!(named("/a/Über Orders_2"), "ber-orders-2");
        assert_eq!(named("/a/2026"), "job-2026");
        assert_eq!(named("/a/gcd"), "gcd-job");
        assert_eq!(named("/a/match"), "match-job");
        assert_eq!(named("/a/origin"), "origin-job");
        assert_eq!(named("/a/tokio"), "tokio-job");
        assert_eq!(named("/a/tokio-orders"), "tokio-orders");
        for reserved in [
            "build",
            "deps",
            "examples",
            "incremental",
            "yield",
            "try",
            "std",
        ] {
            assert_eq!(named(reserved), format!("{reserved}-job"));
        }
        assert_eq!(named("/a/__"), "my-job");
    }
}
