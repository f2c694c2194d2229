//! The dependencies that the printed example of a crate uses besides the crate.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::File;

/// The sections of the crate's manifest that its example may draw on.
const SECTIONS: [&str; 2] = ["dependencies", "dev-dependencies"];

/// A line for the user's manifest for each dependency of the crate whose name the example uses,
/// with all the features that the crate and its tests want.
pub(crate) fn needs(example: &str, files: &BTreeMap<String, File>) -> String {
    let manifest = files
        .get("Cargo.toml")
        .and_then(|file| std::str::from_utf8(&file.bytes).ok())
        .and_then(|text| text.parse::<Table>().ok())
        .unwrap_or_default();
    let sections = || {
        SECTIONS
            .iter()
            .filter_map(|name| manifest.get(*name).and_then(Value::as_table))
    };
    let names: BTreeSet<&String> = sections()
        .flat_map(Table::keys)
        .filter(|name| uses(example, &name.replace('-', "_")))
        .collect();
    let lines: String = names
        .into_iter()
        .filter_map(|name| {
            let entries: Vec<&Value> = sections().filter_map(|all| all.get(name)).collect();
            Some(format!("    {name} = {}\n", line(&entries)?))
        })
        .collect();
    if lines.is_empty() {
        return lines;
    }
    format!("\nit also uses these, under the same [dependencies]:\n\n{lines}")
}

/// Whether a path in the code begins with this crate.
fn uses(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
    })
}

/// One dependency out of its entries in several sections; `None` if it comes neither from a
/// registry nor from the user's workspace.
fn line(entries: &[&Value]) -> Option<String> {
    let get = |key: &str| entries.iter().find_map(|entry| entry.get(key));
    let mut parts = Vec::new();
    if get("path").is_some() || get("git").is_some() {
        return None;
    }
    if get("workspace").is_some() {
        parts.push("workspace = true".to_string());
    } else {
        let plain = entries.iter().find_map(|entry| entry.as_str());
        let version = plain.or_else(|| get("version").and_then(Value::as_str))?;
        parts.push(format!("version = {}", Value::from(version)));
        if let Some(package) = get("package") {
            parts.push(format!("package = {package}"));
        }
        let lacks_defaults =
            |entry: &&Value| entry.get("default-features") == Some(&Value::Boolean(false));
        if entries.iter().all(lacks_defaults) {
            parts.push("default-features = false".to_string());
        }
    }
    let features: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.get("features")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !features.is_empty() {
        let features: Vec<Value> = features.into_iter().map(Value::from).collect();
        parts.push(format!("features = {}", Value::Array(features)));
    }
    Some(format!("{{ {} }}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(example: &str, manifest: &str) -> String {
        let file = File {
            bytes: manifest.into(),
            executable: false,
        };
        needs(example, &BTreeMap::from([("Cargo.toml".to_string(), file)]))
    }

    #[test]
    fn dependencies_that_the_example_names_are_printed() {
        let manifest = "[dependencies]\nnum_cpus = '1'\n\
             async-std = { version = '1.13', default-features = false, features = ['default'] }\n\
             [dev-dependencies]\nfutures = '0.3.31'\n\
             async-std = { version = '1.13', default-features = false, features = ['attributes'] }\n";
        let text = needed("#[async_std::main]\nfutures::executor::x();", manifest);
        assert_eq!(
            text,
            "\nit also uses these, under the same [dependencies]:\n\n    \
             async-std = { version = \"1.13\", default-features = false, features = [\"attributes\", \"default\"] }\n    \
             futures = { version = \"0.3.31\" }\n"
        );
        let toml = text.split_once(":\n").unwrap().1;
        let toml: Table = toml.parse().unwrap();
        assert_eq!(toml["futures"]["version"].as_str(), Some("0.3.31"));
    }

    #[test]
    fn dependencies_that_only_look_alike_are_not_printed() {
        let manifest = "[dependencies]\ntokio = '1'\ncore = { path = 'core' }\n";
        for example in [
            "use my_tokio::x;",
            "use effective::tokio::x;",
            "// tokio",
            "core::one();",
        ] {
            assert_eq!(needed(example, manifest), "", "{example}");
        }
        assert_eq!(needed("tokio::x", "no toml"), "");
    }

    #[test]
    fn dependency_of_the_workspace_is_taken_from_there() {
        let manifest = "[dependencies.tokio]\nworkspace = true\nfeatures = ['rt']\n";
        let text = needed("use tokio::task;", manifest);
        assert!(
            text.ends_with("tokio = { workspace = true, features = [\"rt\"] }\n"),
            "{text}"
        );
    }
}
