//! The checks that a crate takes part in, found by its files, so that a new crate is checked
//! without a change here.

use std::fs;
use std::path::{Path, PathBuf};

use crate::packages::Crate;

/// Whether the crate has model checks with loom.
pub(super) fn has_model_check(found: &Crate) -> bool {
    home(found).join("tests/model_check.rs").is_file()
}

/// Whether the crate has a soak test.
pub(super) fn has_soak(found: &Crate) -> bool {
    home(found).join("tests/soak.rs").is_file()
}

/// Whether the crate has benches against rivals.
pub(super) fn has_bench(found: &Crate) -> bool {
    found.has_rivals && home(found).join("rivals/benches").is_dir()
}

/// Whether the crate contains code that AddressSanitizer should watch.
pub(super) fn may_be_unsafe(found: &Crate) -> bool {
    fs::read_to_string(home(found).join("src/lib.rs"))
        .is_ok_and(|text| !text.contains("#![forbid(unsafe_code)]"))
}

/// The packages of fuzz targets, `fuzz/Cargo.toml` in a crate's folder. They are not members of the
/// workspace.
pub(super) fn fuzz_packages(root: &Path) -> Vec<PathBuf> {
    let mut homes = vec![root.join("xtask")];
    homes.extend(folders(&root.join("crates")));
    let mut found: Vec<PathBuf> = homes
        .into_iter()
        .map(|home| home.join("fuzz"))
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .collect();
    found.sort();
    found
}

/// The names of the binaries in a manifest.
pub(super) fn fuzz_targets(manifest: &str) -> Vec<String> {
    let Ok(table) = manifest.parse::<toml::Table>() else {
        return Vec::new();
    };
    let bins = table.get("bin").and_then(toml::Value::as_array);
    bins.into_iter()
        .flatten()
        .filter_map(|bin| bin.get("name")?.as_str())
        .map(str::to_string)
        .collect()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

fn home(found: &Crate) -> &Path {
    // The path of a manifest always has a parent.
    found.manifest.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(home: &Path, path: &str, text: &str) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_crate_takes_part_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let found = Crate {
            name: "a".to_string(),
            package: "effective-a".to_string(),
            version: String::new(),
            manifest: home.join("Cargo.toml"),
            description: String::new(),
            has_compare: false,
            declared: Default::default(),
            has_rivals: true,
            features: Vec::new(),
        };
        write(home, "src/lib.rs", "#![forbid(unsafe_code)]\n");
        assert!(!may_be_unsafe(&found) && !has_model_check(&found));
        assert!(!has_soak(&found) && !has_bench(&found));

        write(home, "src/lib.rs", "#![deny(unsafe_code)]\n");
        write(home, "tests/soak.rs", "");
        write(home, "tests/model_check.rs", "");
        write(home, "rivals/benches/rivals.rs", "");
        assert!(may_be_unsafe(&found) && has_model_check(&found));
        assert!(has_soak(&found) && has_bench(&found));
    }

    #[test]
    fn fuzz_packages_are_found_by_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(fuzz_packages(root).is_empty());
        write(root, "xtask/fuzz/Cargo.toml", "");
        write(root, "crates/workload/fuzz/Cargo.toml", "");
        write(root, "crates/threads/fuzz/README.md", "no package");
        write(root, "crates/threads/src/fuzz/Cargo.toml", "elsewhere");
        assert_eq!(
            fuzz_packages(root),
            [root.join("crates/workload/fuzz"), root.join("xtask/fuzz")]
        );
    }

    #[test]
    fn fuzz_targets_are_the_programs_of_the_manifest() {
        let manifest = "[package]\nname = 'a-fuzz'\n[[bin]]\nname = 'one'\npath = 'one.rs'\n\
                        [[bin]]\nname = 'two'\n";
        assert_eq!(fuzz_targets(manifest), ["one", "two"]);
        assert!(fuzz_targets("[package]\nname = 'a-fuzz'\n").is_empty());
        assert!(fuzz_targets("not toml").is_empty());
    }
}
