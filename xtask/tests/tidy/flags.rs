//! The flags that pages name: each is one of the command that it stands with.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::markdown::pages;
use super::{files, none, read, root};

/// Flags of programs that are not in the repository.
const OTHERS: [(&str, &[&str]); 6] = [
    (
        "cargo",
        &[
            "--all",
            "--all-features",
            "--all-targets",
            "--bin",
            "--check",
            "--dry-run",
            "--example",
            "--features",
            "--git",
            "--lib",
            "--locked",
            "--manifest-path",
            "--no-default-features",
            "--no-deps",
            "--offline",
            "--package",
            "--release",
            "--rev",
            "--target",
            "--test",
            "--workspace",
        ],
    ),
    ("rustc", &["--cfg"]),
    (
        "a test program",
        &["--exact", "--ignored", "--nocapture", "--test-threads"],
    ),
    ("docker", &["--init"]),
    ("nats-server", &["--auth"]),
    ("procspawn and others", &["--fuzz-dir"]),
];

/// The flags in a text, without their values.
fn flags(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        let name: String = text[at + 2..]
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
            .collect();
        let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
        if begins && !before.is_some_and(|letter| letter == '-' || letter.is_alphanumeric()) {
            found.push(format!("--{}", name.trim_end_matches('-')));
        }
    }
    found
}

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(command)
        .arg("--help")
        .output()
        .expect("xtask starts");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names under `Commands:`.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

/// The flags of each command of `cargo xtask`, those of its own commands included.
fn of_xtask() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for command in commands(&help(&[])) {
        let text = help(&[command]);
        let mut known: BTreeSet<String> = flags(&text).into_iter().collect();
        for inner in commands(&text) {
            known.extend(flags(&help(&[command, inner])));
        }
        found.insert(command.to_string(), known);
    }
    found
}

/// The flags that programs of the crates and of the book take, which they name in quotes.
fn of_programs() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (folder, ending) in [("crates", "rs"), ("crates", "py"), ("docs", "py")] {
        for path in files(&root().join(folder), ending) {
            let text = read(&path);
            for quoted in text.split("\"--").skip(1) {
                found.extend(flags(&format!("--{quoted}")).into_iter().take(1));
            }
        }
    }
    found
}

#[test]
fn every_flag_of_a_page_is_one_of_its_command() {
    let xtask = of_xtask();
    assert!(xtask.len() > 5, "{xtask:?}");
    let mut known = of_programs();
    known.extend(xtask.values().flatten().cloned());
    known.extend(
        OTHERS
            .iter()
            .flat_map(|(_, flags)| flags.iter().map(ToString::to_string)),
    );
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        for (index, line) in read(&page).lines().enumerate() {
            let place = format!("{}:{}", page.display(), index + 1);
            let named = flags(line);
            seen += named.len();
            let unknown = named.into_iter().filter(|flag| !known.contains(flag));
            wrong.extend(unknown.map(|flag| format!("{place}: {flag}: no command has it")));
            for call in line.split("cargo xtask ").skip(1) {
                let call = call.split(['`', '|', ';']).next().unwrap_or_default();
                let own = call.split(" -- ").next().unwrap_or_default();
                let command = own.split_whitespace().next().unwrap_or_default();
                let Some(flags_of_it) = xtask.get(command) else {
                    if !command.starts_with(['-', '…']) && line.contains("`cargo xtask ") {
                        wrong.push(format!("{place}: cargo xtask {command}: no such command"));
                    }
                    continue;
                };
                let foreign = flags(own)
                    .into_iter()
                    .filter(|flag| !flags_of_it.contains(flag));
                wrong.extend(foreign.map(|flag| format!("{place}: {command} has no {flag}")));
            }
        }
    }
    assert!(seen > 100, "{seen} flags");
    none(wrong, "stale flags");
}

#[test]
fn flags_are_found_without_their_values() {
    assert_eq!(
        flags("`--a-b 3`, --c=d, e--f, ---, --fail-on-slower 10%"),
        ["--a-b", "--c", "--fail-on-slower"]
    );
}
