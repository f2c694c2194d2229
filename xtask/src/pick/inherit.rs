//! A picked manifest that takes what the user's workspace declares from there.

use std::fmt::Write as _;

use toml::{Table, Value};

/// The fields of `[package]` that are taken from the workspace, unless its value is lower: the
/// crate may use what a lower one lacks. The licence and the version are those of the crate,
/// wherever it stands, and `publish` is false in every pick.
const FIELDS: [&str; 2] = ["edition", "rust-version"];

/// The sections with dependencies, in a manifest and in each of its `[target]`s.
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Where the values of a manifest come from after the mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// The fields and dependencies that are now the workspace's.
    pub(crate) taken: Vec<String>,
    /// The fields and dependencies that both declare, but not so that one stands for the other.
    pub(crate) left: Vec<String>,
}

impl Mapped {
    /// One line for each of the two, or nothing.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.taken.is_empty() {
            let _ = writeln!(text, "from your workspace: {}", self.taken.join(", "));
        }
        if !self.left.is_empty() {
            let _ = writeln!(
                text,
                "not from your workspace, where the versions or default features differ: {}",
                self.left.join(", ")
            );
        }
        text
    }
}

/// Replaces the values of `manifest` for which the workspace has its own.
///
/// A dependency is mapped if the workspace names the same package from a registry with a
/// requirement that is compatible, as far as two versions show it, and both want its default
/// features or neither does. Its other features are kept: cargo adds them to those of the
/// workspace.
pub(crate) fn map(manifest: &mut Table, workspace: &Table) -> Mapped {
    let mut mapped = Mapped::default();
    let inherited =
        || Value::Table(std::iter::once(("workspace".to_string(), true.into())).collect());
    let fields = workspace.get("package").and_then(Value::as_table);
    if let Some(package) = manifest.get_mut("package").and_then(Value::as_table_mut) {
        for field in FIELDS {
            let theirs = fields.and_then(|all| all.get(field));
            let (Some(ours), Some(theirs)) = (package.get(field), theirs) else {
                continue;
            };
            if numbers(theirs).is_some_and(|theirs| Some(theirs) >= numbers(ours)) {
                package.insert(field.to_string(), inherited());
                mapped.taken.push(field.to_string());
            } else {
                mapped.left.push(field.to_string());
            }
        }
    }
    if workspace.contains_key("lints") && manifest.contains_key("lints") {
        manifest.insert("lints".to_string(), inherited());
        mapped.taken.push("lints".to_string());
    }
    let empty = Table::new();
    let declared = workspace
        .get("dependencies")
        .and_then(Value::as_table)
        .unwrap_or(&empty);
    for section in SECTIONS {
        map_section(manifest.get_mut(section), declared, &mut mapped);
    }
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    for (_, target) in targets.into_iter().flatten() {
        for section in SECTIONS {
            map_section(target.get_mut(section), declared, &mut mapped);
        }
    }
    for names in [&mut mapped.taken, &mut mapped.left] {
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
    }
    mapped
}

fn map_section(section: Option<&mut Value>, declared: &Table, mapped: &mut Mapped) {
    let section = section.and_then(Value::as_table_mut);
    for (name, dependency) in section.into_iter().flatten() {
        let (Some(theirs), Some(ours)) = (declared.get(name), requirement(dependency)) else {
            continue;
        };
        let package = |value: &Value| value.get("package").cloned();
        let fits = package(theirs) == package(dependency)
            && default_features(theirs) == default_features(dependency)
            && requirement(theirs).is_some_and(|theirs| compatible(theirs, ours));
        if !fits {
            mapped.left.push(name.clone());
            continue;
        }
        let mut kept = Table::new();
        kept.insert("workspace".to_string(), true.into());
        for key in ["features", "optional"] {
            if let Some(value) = dependency.get(key) {
                kept.insert(key.to_string(), value.clone());
            }
        }
        *dependency = Value::Table(kept);
        mapped.taken.push(name.clone());
    }
}

/// The numbers of an edition or a version of Rust.
fn numbers(value: &Value) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = value
        .as_str()?
        .split('.')
        .map(|number| number.parse().ok())
        .collect();
    let mut numbers = numbers?;
    // `1.89` is `1.89.0`.
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

fn default_features(dependency: &Value) -> bool {
    // Editions before 2024 know the second name too.
    let given = ["default-features", "default_features"]
        .iter()
        .find_map(|key| dependency.get(key));
    given.and_then(Value::as_bool).unwrap_or(true)
}

/// The version that a dependency on a registry asks for.
fn requirement(dependency: &Value) -> Option<&str> {
    let elsewhere = ["path", "git", "registry"];
    if elsewhere.iter().any(|key| dependency.get(key).is_some()) {
        return None;
    }
    let version = dependency.as_str();
    version.or_else(|| dependency.get("version").and_then(Value::as_str))
}

/// Whether two plain requirements, such as `1.2` and `^1.5.3`, admit the same versions from the
/// higher one on: they agree up to the first number that is not zero.
fn compatible(one: &str, other: &str) -> bool {
    let significant = |text: &str| -> Option<Vec<u64>> {
        let numbers: Option<Vec<u64>> = text
            .trim()
            .trim_start_matches('^')
            .split('.')
            .map(|number| number.parse().ok())
            .collect();
        let numbers = numbers?;
        let first = numbers.iter().position(|number| *number != 0)?;
        numbers.get(..=first).map(<[u64]>::to_vec)
    };
    let (one, other) = (significant(one), significant(other));
    one.is_some() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(manifest: &str, workspace: &str) -> (Table, Mapped) {
        let mut manifest: Table = manifest.parse().unwrap();
        let mapped = map(&mut manifest, &workspace.parse().unwrap());
        (manifest, mapped)
    }

    #[test]
    fn fields_that_the_workspace_declares_are_taken() {
        let (manifest, mapped) = mapped(
            "[package]\nname = 'tiny'\nversion = '0.1.0'\nedition = '2024'\nlicense = 'MIT'\npublish = false\n\
             [dependencies.serde]\nversion = '1.0'\nfeatures = ['derive']\noptional = true\n\
             [target.'cfg(unix)'.dev-dependencies.rustix]\nversion = '1.1'\ndefault-features = false\n\
             [lints.rust]\nmissing_docs = 'warn'\n",
            "[package]\nversion = '9.0.0'\nedition = '2024'\nlicense = 'Mine'\npublish = true\n\
             [dependencies]\nserde = '1.0.200'\n\
             rustix = { version = '^1', features = ['fs'], default-features = false }\n\
             [lints.rust]\nunsafe_code = 'deny'\n",
        );
        assert_eq!(mapped.taken, ["edition", "lints", "serde", "rustix"]);
        assert!(mapped.left.is_empty());
        let expected: Table = "[package]\nname = 'tiny'\nversion = '0.1.0'\nedition.workspace = true\nlicense = 'MIT'\npublish = false\n\
             [dependencies.serde]\nworkspace = true\nfeatures = ['derive']\noptional = true\n\
             [target.'cfg(unix)'.dev-dependencies.rustix]\nworkspace = true\n\
             [lints]\nworkspace = true\n"
            .parse()
            .unwrap();
        assert_eq!(manifest, expected);
    }

    #[test]
    fn lower_edition_or_version_of_rust_is_not_taken() {
        let ours = "[package]\nedition = '2024'\nrust-version = '1.89'\n";
        for (edition, rust, taken) in [
            ("2024", "1.89.0", &["edition", "rust-version"][..]),
            ("2021", "1.90", &["rust-version"]),
            ("2024", "1.9", &["edition"]),
            ("2018", "1.88.5", &[]),
        ] {
            let theirs = format!("[package]\nedition = '{edition}'\nrust-version = '{rust}'\n");
            let (manifest, mapped) = mapped(ours, &theirs);
            assert_eq!(mapped.taken, taken);
            assert_eq!(mapped.taken.len() + mapped.left.len(), 2);
            for left in mapped.left {
                assert!(manifest["package"][&left].is_str(), "{left}");
            }
        }
    }

    #[test]
    fn default_features_that_differ_are_not_taken() {
        let before = "[dependencies]\na = '1'\nb = { version = '1', default-features = false }\n";
        let (manifest, mapped) = mapped(
            before,
            "[dependencies]\na = { version = '1', default-features = false }\nb = '1'\n",
        );
        assert_eq!(manifest, before.parse::<Table>().unwrap());
        assert_eq!(mapped.left, ["a", "b"]);
    }

    #[test]
    fn other_versions_packages_and_sources_are_not_taken() {
        let before = "[dependencies]\na = '1.2'\nb = '0.3.1'\nc = '1'\nd = '1'\ne = '1'\nf = '1'\n";
        let (manifest, mapped) = mapped(
            before,
            "[dependencies]\na = '2'\nb = '0.4'\nc = { path = 'c', version = '1' }\n\
             d = { version = '1', package = 'other' }\ne = '>=1, <3'\n",
        );
        assert_eq!(manifest, before.parse::<Table>().unwrap());
        assert_eq!(mapped.left, ["a", "b", "c", "d", "e"]);
        assert!(mapped.taken.is_empty());
    }

    #[test]
    fn requirements_agree_up_to_the_first_number_that_is_not_zero() {
        for (one, other) in [
            ("1", "1.5"),
            ("^0.3.1", "0.3"),
            ("0.0.3", "0.0.3"),
            ("1.0.0", "1"),
        ] {
            assert!(compatible(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("1", "2"),
            ("0.3", "0.4"),
            ("0.0.3", "0.0.4"),
            ("*", "*"),
            ("=1", "1"),
            ("0", "0"),
        ] {
            assert!(!compatible(one, other), "{one} {other}");
        }
    }
}
