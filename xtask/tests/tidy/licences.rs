//! The licences of all dependencies, compared with `deny.toml`.

use super::{none, packages, read, root};

/// Whether one of the alternatives is allowed. Knows `OR`, the older `/`, `AND` and parentheses
/// around alternatives, which is all that occurs.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    expression.split(" AND ").all(|part| {
        part.trim_matches(['(', ')'])
            .replace('/', " OR ")
            .split(" OR ")
            .any(|licence| allowed.contains(&licence.trim()))
    })
}

#[test]
fn licences_of_all_dependencies_are_allowed() {
    let deny: toml::Table = read(&root().join("deny.toml")).parse().expect("deny.toml");
    let allowed: Vec<&str> = deny["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let packages = packages(&["--locked"]);
    assert!(packages.len() > 100, "{} packages", packages.len());
    let wrong = packages.iter().filter_map(|package| {
        let licence = package["license"].as_str().unwrap_or("none");
        (!is_allowed(licence, &allowed)).then(|| format!("{}: {licence}", package["name"]))
    });
    none(wrong.collect(), "licences that deny.toml does not allow");
}

#[test]
fn expressions_are_read() {
    let allowed = ["MIT", "Unicode-3.0"];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("Apache-2.0 OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-3.0", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}
