//! The machine code of the kernels, which is the same in all runners.

use std::collections::BTreeMap;

use xtask::cargo;
use xtask::packages::workspace;
use xtask::rustflags;

/// A feature that one runner turns on in a dependency of `workload` would have it compiled a second time for
/// that runner alone, kernels and all.
#[test]
fn every_runner_links_the_same_compiled_workload() {
    let mut linked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let workspace = workspace().unwrap();
    let flags = rustflags::of_runners(&workspace.root);
    assert!(flags.is_some(), "this compiler aligns functions");
    for runner in workspace
        .crates
        .iter()
        .filter_map(xtask::packages::Crate::runner)
    {
        let mut build = cargo::building_runner(&runner, flags.as_deref());
        build.arg("--message-format=json-render-diagnostics");
        let messages = String::from_utf8(cargo::output(&mut build).unwrap()).unwrap();
        let library = messages
            .split('"')
            .find(|text| text.contains("libworkload-") && text.ends_with(".rlib"))
            .unwrap_or_else(|| panic!("{runner} does not link `workload`"));
        linked.entry(library.to_owned()).or_default().push(runner);
    }
    assert_eq!(linked.len(), 1, "not the same library: {linked:#?}");
}
