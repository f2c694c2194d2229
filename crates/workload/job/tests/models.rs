//! The list of linked models, compared with the runners that there are.

use std::fs;
use std::path::Path;

/// The models that no job links: the workers of `cluster` are programs on other machines, and
/// `workload` is the baseline, which is always there.
const LEFT_OUT: [&str; 2] = ["cluster", "workload"];

#[test]
fn every_runner_is_linked_and_can_be_named() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(own.join("Cargo.toml")).expect("the manifest");
    let program = fs::read_to_string(own.join("src/program.rs")).expect("the program");
    let crates = own.ancestors().nth(2).expect("the folder of all crates");
    let mut models = 0;
    for found in fs::read_dir(crates).expect("the folder can be listed") {
        let path = found.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !path.join("compare/Cargo.toml").is_file() || LEFT_OUT.contains(&&*name) {
            continue;
        }
        models += 1;
        assert!(manifest.contains(&format!("\n{name}-compare = ")), "{name}");
        assert!(
            program.contains(&format!("\n        \"{name}\" => ")),
            "{name}"
        );
    }
    assert!(models > 10, "{models}");
}
