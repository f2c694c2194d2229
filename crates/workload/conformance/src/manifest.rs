//! The check of a runner's manifest, which the comparison reads before the runner is built.

use std::path::Path;

use crate::checks::variants;
use workload::model::Model;

/// Checks that the manifest in `folder` lists the variants of the model in their order: those
/// beside the default one, under `variants` in `[package.metadata.comparison]`, which may be
/// missing if there are none. `per_core` must name some of them.
pub fn manifest_lists_the_variants(model: &impl Model, folder: impl AsRef<Path>) {
    let path = folder.as_ref().join("Cargo.toml");
    let text = std::fs::read_to_string(&path).expect("the manifest is there");
    let manifest: toml::Table = text.parse().expect("the manifest is TOML");
    let declared = manifest
        .get("package")
        .and_then(|package| package.get("metadata"))
        .and_then(|metadata| metadata.get("comparison"));
    let names = |key: &str| -> Vec<&str> {
        let list = declared.and_then(|declared| declared.get(key));
        let list = list.and_then(toml::Value::as_array).into_iter().flatten();
        list.filter_map(toml::Value::as_str).collect()
    };
    let listed = names("variants");
    let described = variants(model);
    let described: Vec<&str> = described
        .iter()
        .map(|variant| variant.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(
        listed,
        described,
        "`variants` under [package.metadata.comparison] of {}, and the runner",
        path.display()
    );
    for name in names("per_core") {
        assert!(
            name.is_empty() || listed.contains(&name),
            "`per_core` of {} names `{name}`, which is no variant",
            path.display()
        );
    }
}
