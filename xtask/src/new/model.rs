//! `cargo xtask new model NAME`: a crate with its runner, which passes all checks and takes part in
//! comparisons as it is.

use std::fs;
use std::io;
use std::path::Path;

use crate::cargo;
use crate::error::Error;
use crate::files;
use crate::packages::Packages;

/// The files of a model, by path below its folder.
const FILES: [(&str, &str); 10] = [
    ("Cargo.toml", include_str!("model/Cargo.toml.in")),
    ("README.md", include_str!("model/README.md.in")),
    ("src/lib.rs", include_str!("model/lib.rs.in")),
    ("src/map.rs", include_str!("model/map.rs.in")),
    ("tests/map.rs", include_str!("model/test.rs.in")),
    ("examples/lengths.rs", include_str!("model/example.rs.in")),
    ("compare/Cargo.toml", include_str!("model/compare.toml.in")),
    ("compare/src/lib.rs", include_str!("model/compare.rs.in")),
    ("compare/src/main.rs", include_str!("model/main.rs.in")),
    (
        "compare/tests/conformance.rs",
        include_str!("model/conformance.rs.in"),
    ),
];

/// The links of a model to files that all crates share.
const LINKS: [(&str, &str); 3] = [
    ("LICENSE-APACHE", "../../LICENSE-APACHE"),
    ("LICENSE-MIT", "../../LICENSE-MIT"),
    ("src/panic.rs", "../../threads/src/panic.rs"),
];

/// The limit on the length of a name.
const MAX_NAME: usize = 32;

/// The limit on a file that is changed.
const MAX_BYTES: u64 = 1 << 20;

/// Where a line goes in a file that lists all models.
#[derive(Debug, Clone, Copy)]
enum Spot {
    /// Behind the last line that begins with this and contains that.
    Behind(&'static str, &'static str),
    /// Before the last line that is this.
    Before(&'static str),
    /// Before the first line that begins with this and comes after the new one, or behind the last.
    Sorted(&'static str),
}

/// The lines that make the model known, by file.
const MENTIONS: [(&str, Spot, &str); 5] = [
    (
        "Cargo.toml",
        Spot::Behind("effective-", "{ path = \"crates/"),
        "effective-NAME = { path = \"crates/NAME\" }",
    ),
    (
        "README.md",
        Spot::Behind("| [`", "](crates/"),
        "| [`NAME`](crates/NAME) | 59 | a model to fill in: an ordered map over threads | anything yet |",
    ),
    (
        "docs/platforms.md",
        Spot::Sorted("| `"),
        "| `NAME` | tested | yes | yes | std only |",
    ),
    (
        "crates/workload/job/Cargo.toml",
        Spot::Behind("", "-compare = { path"),
        "NAME-compare = { path = \"../../NAME/compare\" }",
    ),
    (
        "crates/workload/job/src/program.rs",
        Spot::Before("        _ => usage(),"),
        "        \"NAME\" => runner::main(SNAKE_compare::TYPEModel),",
    ),
];

/// Makes `crates/NAME`, and names the model where all of them are listed. Returns what to tell the
/// user.
///
/// # Errors
/// [`Error::Usage`] for a name that cannot be one or is taken, and for a file that no longer has
/// the list where the model belongs; nothing is written then. [`Error::Failed`] if a file cannot
/// be written.
pub fn model(packages: &Packages, name: &str) -> Result<String, Error> {
    check_name(packages, name)?;
    let filled = |text: &str| fill(text, name);
    let mut changes = Vec::new();
    for (file, spot, line) in MENTIONS {
        let path = packages.root.join(file);
        let bad = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "cannot list the model in {}: {why}",
                path.display()
            ))
        };
        files::check_replaceable(&path).map_err(|error| bad(&error))?;
        let text = files::read_text(&path, MAX_BYTES).map_err(|error| bad(&error))?;
        let text = put(&text, spot, &filled(line))
            .ok_or_else(|| bad(&"it has no list of the models where one is expected"))?;
        changes.push((path, text));
    }
    let failed = |error: io::Error| Error::io(format_args!("cannot write crates/{name}"), &error);
    let home = packages.root.join("crates").join(name);
    // Outside `crates`, where a pattern of `members` would match it before it is complete.
    let staging = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(&packages.root)
        .map_err(failed)?;
    let fresh = staging.path().join(name);
    write(&fresh, &filled).map_err(failed)?;
    fs::rename(&fresh, &home).map_err(failed)?;
    for (path, text) in changes {
        files::replace(&path, text.as_bytes())
            .map_err(|error| Error::io(path.display(), &error))?;
    }
    // The lock file lists the packages of the workspace as well.
    let mut update = cargo::command();
    update.args(["update", "--workspace", "--offline", "--quiet"]);
    cargo::run(update.current_dir(&packages.root))?;
    // Where lines break depends on the length of the name.
    let mut format = cargo::command();
    format.args(["fmt", "--package", &format!("effective-{name}")]);
    format.args([
        "--package",
        &format!("{name}-compare"),
        "--package",
        "workload-job",
    ]);
    cargo::run(format.current_dir(&packages.root))?;
    Ok(format!(
        "wrote crates/{name}, and listed it in {}: fill in src/map.rs, then run\n\n    \
         cargo xtask test {name}\n    cargo xtask compare --smoke --model {name}\n    cargo test -p xtask --test tidy\n",
        MENTIONS.map(|(file, _, _)| file).join(", ")
    ))
}

fn check_name(packages: &Packages, name: &str) -> Result<(), Error> {
    let is_name = name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name
            .chars()
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-');
    if !is_name {
        return Err(Error::Usage(format!(
            "`{name}` cannot be a model's name: use up to {MAX_NAME} of a-z, 0-9 and -, a letter first"
        )));
    }
    let is_taken = name == "sequential"
        || packages
            .root
            .join("crates")
            .join(name)
            .symlink_metadata()
            .is_ok()
        || packages.members.iter().any(|member| {
            let suffixes = ["", "-compare", "-rivals"];
            suffixes
                .iter()
                .any(|end| member.name == format!("{name}{end}"))
        });
    if is_taken {
        return Err(Error::Usage(format!(
            "there is a model, a crate or a package `{name}` already: choose another name"
        )));
    }
    Ok(())
}

/// The text with the model's names in place of the placeholders.
fn fill(text: &str, name: &str) -> String {
    let camel: String = name
        .split('-')
        .flat_map(|word| {
            let (first, rest) = word.split_at(1.min(word.len()));
            [first.to_uppercase(), rest.to_string()]
        })
        .collect();
    text.replace("SNAKE", &name.replace('-', "_"))
        .replace("TYPE", &camel)
        .replace("NAME", name)
}

fn write(home: &Path, filled: &dyn Fn(&str) -> String) -> io::Result<()> {
    for (path, text) in FILES {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap_or(home))?;
        fs::write(&path, filled(text))?;
    }
    for (path, target) in LINKS {
        std::os::unix::fs::symlink(target, home.join(path))?;
    }
    Ok(())
}

/// The text with one more line.
fn put(text: &str, spot: Spot, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = match spot {
        Spot::Behind(begin, inside) => {
            let is_one = |one: &&str| one.starts_with(begin) && one.contains(inside);
            lines.iter().rposition(is_one)? + 1
        }
        Spot::Before(end) => lines.iter().rposition(|one| *one == end)?,
        Spot::Sorted(begin) => {
            let last = lines.iter().rposition(|one| one.starts_with(begin))?;
            let later = |one: &&str| one.starts_with(begin) && *one > line;
            lines.iter().position(later).unwrap_or(last + 1)
        }
    };
    lines.insert(at, line);
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_three_forms() {
        assert_eq!(
            fill("NAME SNAKE_compare::TYPEModel", "my-new-pool"),
            "my-new-pool my_new_pool_compare::MyNewPoolModel"
        );
    }

    #[test]
    fn every_list_of_the_models_has_its_place() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (file, spot, line) in MENTIONS {
            let text = fs::read_to_string(root.join(file)).unwrap();
            let line = fill(line, "my-pool");
            let changed = put(&text, spot, &line).unwrap_or_else(|| panic!("{file}"));
            let without: Vec<&str> = changed.lines().filter(|one| *one != line).collect();
            assert_eq!(without, text.lines().collect::<Vec<_>>(), "{file}");
        }
        assert_eq!(put("a\n", Spot::Before("b"), "c"), None);
    }

    #[test]
    fn sorted_line_goes_before_the_next_one() {
        let text = "x\n| `a` |\n| `c` |\ny\n";
        let put = |line: &str| put(text, Spot::Sorted("| `"), line).unwrap();
        assert_eq!(put("| `b` |"), "x\n| `a` |\n| `b` |\n| `c` |\ny\n");
        assert_eq!(put("| `d` |"), "x\n| `a` |\n| `c` |\n| `d` |\ny\n");
    }
}
