//! The examples that are whole programs: short, started by a test, and named in their README.

use std::path::Path;

use super::{all_files, crates, name, none, read, root};

/// A program has fewer lines than this, so that it can be read in one go.
const MOST_LINES: usize = 150;

/// The programs of a crate: `examples/NAME.rs` with `tests/example_NAME.rs`. Examples that show
/// more than one program can, as `merge_logs` and `line_server`, are longer and have no test of
/// that name.
fn programs(folder: &Path) -> Vec<String> {
    let tests = std::fs::read_dir(folder.join("tests"))
        .into_iter()
        .flatten();
    let names = tests.filter_map(|test| {
        let test = name(&test.expect("an entry").path());
        let program = test.strip_prefix("example_")?.strip_suffix(".rs")?;
        Some(program.to_owned())
    });
    names.collect()
}

#[test]
fn programs_are_short_and_named_in_their_readme() {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for folder in crates() {
        let name = name(&folder);
        let readme = read(&folder.join("README.md"));
        for program in programs(&folder) {
            all += 1;
            let source = read(&folder.join(format!("examples/{program}.rs")));
            let lines = source.lines().count();
            if lines >= MOST_LINES {
                wrong.push(format!("{name}: {program} has {lines} lines"));
            }
            let command = [
                format!("-p effective-{name} "),
                format!("--example {program}"),
            ];
            if !command.iter().all(|part| readme.contains(part)) {
                wrong.push(format!("{name}: README.md has no command for {program}"));
            }
        }
    }
    assert!(all > 10, "only {all} programs");
    none(wrong, "programs that are too long or not named");
}

/// The names after `flag` in a line, without marks around them.
fn named<'l>(line: &'l str, flag: &str) -> Option<&'l str> {
    let rest = &line[line.find(flag)? + flag.len()..];
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[test]
fn every_command_for_an_example_names_one_that_exists() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in ["md", "rs"].iter().flat_map(|ending| all_files(ending)) {
        for command in read(&path).split("cargo run ").skip(1) {
            // In Rust a command may continue in the next line of a comment.
            let command = command
                .split('`')
                .next()
                .unwrap_or("")
                .replace("\n//! ", " ");
            let command = command.lines().next().unwrap_or("");
            let package =
                named(command, "-p effective-").or_else(|| named(command, "--package effective-"));
            let (Some(package), Some(example)) = (package, named(command, "--example ")) else {
                continue;
            };
            seen += 1;
            let folder = root()
                .join("crates")
                .join(package)
                .join("examples")
                .join(example);
            if !folder.with_extension("rs").is_file() && !folder.join("main.rs").is_file() {
                wrong.push(format!(
                    "{}: {package} has no example {example}",
                    path.display()
                ));
            }
        }
    }
    assert!(seen > 20, "only {seen} commands");
    none(wrong, "commands for examples that do not exist");
}
