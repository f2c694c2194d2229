//! The changes that git reports since a revision, and the symbolic links in the tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::scope::{Link, Scope, scope, target};
use crate::error::{Error, one_line};
use crate::packages::Packages;

/// The scope of the changes since the revision: commits, the working tree, and untracked files.
///
/// # Errors
///
/// [`Error::Usage`] if there is no such revision, or git fails.
pub(super) fn since(packages: &Packages, revision: &str) -> Result<Scope, Error> {
    let changed = changed(&packages.root, revision)?;
    let links = links(&packages.root).map_err(|error| {
        Error::io(
            format_args!("cannot look for links in {}", packages.root.display()),
            &error,
        )
    })?;
    Ok(scope(&packages.members, &changed, &links))
}

/// The commit that is checked out, as hex digits.
pub(super) fn head(root: &Path) -> Option<String> {
    let output = git(root).args(["rev-parse", "--verify", "HEAD"]).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The paths that differ from the revision, relative to the root.
fn changed(root: &Path, revision: &str) -> Result<BTreeSet<PathBuf>, Error> {
    let refused = |why: &str| {
        Error::Usage(format!(
            "cannot tell what changed since `{revision}`: {why}; name a commit that this repository has, or leave out \
             --since to run everything"
        ))
    };
    let wanted = format!("{revision}^{{commit}}");
    let commit = ask(
        root,
        &["rev-parse", "--verify", "--end-of-options", &wanted],
        &refused,
    )?;
    let commit = String::from_utf8_lossy(&commit).trim().to_string();
    // A renamed file has changed in both places. Changes that the user's git configuration hides
    // count as well.
    let differs = [
        "diff",
        "--name-only",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--ignore-submodules=none",
        "--relative",
        &commit,
        "--",
    ];
    let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
    let mut paths = BTreeSet::new();
    for args in [&differs[..], &untracked[..]] {
        let list = ask(root, args, &refused)?;
        let names = list.split(|byte| *byte == 0);
        paths.extend(names.filter(|name| !name.is_empty()).map(path));
    }
    Ok(paths)
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}

fn ask(root: &Path, args: &[&str], refused: &impl Fn(&str) -> Error) -> Result<Vec<u8>, Error> {
    let output = git(root)
        .args(args)
        .output()
        .map_err(|error| refused(&format!("cannot start git: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = one_line(&String::from_utf8_lossy(&output.stderr));
    let why = why.strip_prefix("fatal: ").unwrap_or(&why);
    Err(refused(why))
}

fn git(root: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(root);
    git.stdin(std::process::Stdio::null());
    git
}

/// The symbolic links below the root, except in build output.
fn links(root: &Path) -> std::io::Result<Vec<Link>> {
    let mut links = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let at = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !matches!(entry.file_name().to_str(), Some("target" | ".git")) {
                    folders.push(at);
                }
            } else if kind.is_symlink() {
                let to = target(&folder, &std::fs::read_link(entry.path())?);
                links.extend(to.map(|to| Link { at, to }));
            }
        }
    }
    Ok(links)
}

#[cfg(all(test, unix))]
#[path = "changes/tests.rs"]
mod tests;
