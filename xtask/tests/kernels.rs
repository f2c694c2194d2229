//! All runners execute the same machine code, which makes their figures comparable.

use std::collections::BTreeMap;

use xtask::cargo;
use xtask::packages::workspace;
use xtask::rustflags;

/// With a dependency or a feature, the kernels could be compiled differently for one runner.
#[test]
fn runners_link_the_same_compiled_kernels() {
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
            .find(|text| text.contains("libworkload_kernels-") && text.ends_with(".rlib"))
            .unwrap_or_else(|| panic!("{runner} does not link `workload-kernels`"));
        linked.entry(library.to_owned()).or_default().push(runner);
    }
    assert_eq!(linked.len(), 1, "not the same library: {linked:#?}");
}
