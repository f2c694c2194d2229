//! The last lines of a pick: how to depend on the crate, what comes along, and an example.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::File;
use super::surroundings::Surroundings;
use crate::packages::{Crate, Member};

/// The heading of a README above the example that a pick prints.
pub(crate) const HEADING: &str = "## In ten lines";

/// The names that a line of packages has at most.
const MAX_NAMES: usize = 12;

/// The line for the user's manifest.
pub(crate) fn dependency(package: &Crate, place: &Path, surroundings: &Surroundings) -> String {
    let name = &package.package;
    let line = |from: Option<&Path>| {
        let path = from.map_or_else(|| place.to_path_buf(), |from| relative(place, from));
        let path = toml::Value::from(path.to_string_lossy().into_owned());
        format!("    {name} = {{ path = {path} }}\n")
    };
    match surroundings {
        Surroundings::Workspace(workspace) => {
            let manifest = workspace.manifest();
            let root = line(Some(&workspace.root));
            format!(
                "under [workspace.dependencies] of {}, and the second line under [dependencies] where it is used:\n\n\
                 {root}    {name}.workspace = true\n",
                manifest.display()
            )
        }
        Surroundings::Excluded(root) | Surroundings::Alone(Some(root)) => format!(
            "under [dependencies] of {}:\n\n{}",
            root.join("Cargo.toml").display(),
            line(Some(root))
        ),
        Surroundings::Alone(None) => {
            format!("under [dependencies] of your Cargo.toml:\n\n{}", line(None))
        }
    }
}

/// The packages that a build brings along: those in the crate's folder, and those from a registry.
pub(crate) fn along(nested: &[&Member], dependencies: &[String]) -> String {
    let mut text = String::new();
    for member in nested {
        let folder = member.folder.file_name().unwrap_or_default().display();
        let _ = writeln!(text, "with it stands {} in {folder}", member.name);
    }
    let own = |name: &String| {
        let name = name.split(' ').next();
        nested
            .iter()
            .any(|member| Some(member.name.as_str()) == name)
    };
    let others: Vec<&str> = dependencies
        .iter()
        .filter(|name| !own(name))
        .map(String::as_str)
        .collect();
    let _ = match others.len() {
        0 => writeln!(text, "no other crate comes along"),
        count => {
            let shown = &others[..count.min(MAX_NAMES)];
            let crates = if count == 1 {
                "crate comes"
            } else {
                "crates come"
            };
            let more = match count - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more (`cargo tree` lists them)"),
            };
            writeln!(text, "{count} {crates} along: {}{more}", shown.join(", "))
        }
    };
    text
}

/// The example of the README, as a user would type it.
pub(crate) fn example(files: &BTreeMap<String, File>) -> Option<String> {
    let readme = std::str::from_utf8(&files.get("README.md")?.bytes).ok()?;
    let (_, section) = readme.split_once(&format!("\n{HEADING}\n"))?;
    let mut lines = section
        .lines()
        .skip_while(|line| line.is_empty())
        .skip_while(|line| !line.starts_with("```"));
    lines.next()?;
    let code = lines
        .take_while(|line| !line.starts_with("```"))
        // Hidden in the documentation too.
        .filter(|line| *line != "#" && !line.starts_with("# "));
    Some(code.map(|line| format!("    {line}\n")).collect())
}

/// The path of `to`, seen from the folder `from`; both absolute and without links.
fn relative(to: &Path, from: &Path) -> PathBuf {
    let (to, from): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (to.components().collect(), from.components().collect());
    let common = to
        .iter()
        .zip(&from)
        .take_while(|(one, other)| one == other)
        .count();
    let up = from[common..].iter().map(|_| Component::ParentDir);
    up.chain(to[common..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_is_the_code_under_its_heading() {
        let readme = "# a\n\n```\nno\n```\n\n## In ten lines\n\nText.\n\n```rust\n# hidden\nuse a;\n\n#[test]\n```\n\n```\nno\n```\n";
        let file = File {
            bytes: readme.into(),
            executable: false,
        };
        let files = BTreeMap::from([("README.md".to_string(), file)]);
        assert_eq!(
            example(&files).as_deref(),
            Some("    use a;\n    \n    #[test]\n")
        );
        assert_eq!(example(&BTreeMap::new()), None);
    }

    #[test]
    fn packages_that_come_along_are_counted_and_named() {
        let member = Member {
            name: "tiny-core".to_string(),
            folder: PathBuf::from("crates/tiny/core"),
            depends_on: Vec::new(),
        };
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            along(&[&member], &names(&["tiny-core 0.1.0"])),
            "with it stands tiny-core in core\nno other crate comes along\n"
        );
        assert_eq!(
            along(&[], &names(&["a 1.0.0"])),
            "1 crate comes along: a 1.0.0\n"
        );
        let many: Vec<String> = (0..15).map(|number| format!("c{number} 1.0.0")).collect();
        let text = along(&[], &many);
        assert!(
            text.starts_with("15 crates come along: c0 1.0.0, "),
            "{text}"
        );
        assert!(
            text.ends_with("c11 1.0.0 and 3 more (`cargo tree` lists them)\n"),
            "{text}"
        );
    }

    #[test]
    fn paths_are_seen_from_the_manifest() {
        let seen = |to: &str, from: &str| relative(Path::new(to), Path::new(from));
        assert_eq!(seen("/a/vendor/q", "/a"), Path::new("vendor/q"));
        assert_eq!(seen("/a/q", "/a/app/x"), Path::new("../../q"));
    }
}
