//! The project's own workloads, which every runner includes.

use std::sync::OnceLock;

use super::parse::parse;
use super::types::Definition;

/// The stem and the text of each file of `workloads/`, in the order in which they are measured and
/// listed: workloads that are decided early come first, since the time they leave goes to the later
/// ones.
const FILES: &[(&str, &str)] = &[
    ("life", include_str!("../../workloads/life.toml")),
    ("life-io", include_str!("../../workloads/life-io.toml")),
    ("waits", include_str!("../../workloads/waits.toml")),
    ("fetch", include_str!("../../workloads/fetch.toml")),
    ("histogram", include_str!("../../workloads/histogram.toml")),
    ("counter", include_str!("../../workloads/counter.toml")),
    ("files", include_str!("../../workloads/files.toml")),
    (
        "mandelbrot",
        include_str!("../../workloads/mandelbrot.toml"),
    ),
    ("fan-out", include_str!("../../workloads/fan-out.toml")),
    ("gcd", include_str!("../../workloads/gcd.toml")),
    ("pipeline", include_str!("../../workloads/pipeline.toml")),
    (
        "merge-logs",
        include_str!("../../workloads/merge-logs.toml"),
    ),
    ("mixed", include_str!("../../workloads/mixed.toml")),
    ("children", include_str!("../../workloads/children.toml")),
    ("guess", include_str!("../../workloads/guess.toml")),
];

/// The project's own workloads, parsed once.
pub fn builtins() -> &'static [Definition] {
    static BUILTINS: OnceLock<Vec<Definition>> = OnceLock::new();
    BUILTINS.get_or_init(|| {
        let parsed = FILES
            .iter()
            .map(|(name, text)| parse(text, &format!("workloads/{name}.toml")));
        // The files are part of the program, and a test parses each.
        parsed
            .map(|definition| definition.unwrap_or_else(|error| panic!("{error}")))
            .collect()
    })
}

/// The project's own workload of that name.
pub fn builtin(name: &str) -> Option<&'static Definition> {
    builtins().iter().find(|definition| definition.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_files_of_the_folder_are_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads");
        let mut found = BTreeSet::new();
        for file in std::fs::read_dir(folder).expect("the folder workloads/ is there") {
            let path = file.expect("the folder can be listed").path();
            assert_eq!(
                path.extension().and_then(|extension| extension.to_str()),
                Some("toml"),
                "{}",
                path.display()
            );
            found.insert(
                path.file_stem()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(found, listed);
        assert_eq!(listed.len(), FILES.len(), "a file is in the list twice");
    }

    #[test]
    fn files_parse_and_have_the_name_of_their_workload() {
        for ((name, text), definition) in FILES.iter().zip(builtins()) {
            assert_eq!(parse(text, name).as_ref(), Ok(definition));
            assert_eq!(&definition.name, name);
            assert_eq!(builtin(name), Some(definition));
        }
        assert_eq!(builtin("no-such-workload"), None);
    }

    #[test]
    fn files_have_a_description_and_items() {
        for definition in builtins() {
            assert!(!definition.about.is_empty(), "{}", definition.name);
            assert!(!definition.items.is_empty(), "{}", definition.name);
        }
    }
}
