//! The three line servers are ports of one another, and `docs/porting-sockets.md` shows how.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Blocking first, then in the order in which the page ports.
const PACKAGES: [&str; 3] = ["threads", "tokio-tasks", "async-std-tasks"];

/// What a port changes. All other files are the same in all packages.
const CHANGED: [&str; 4] = ["main.rs", "play.rs", "seats.rs", "serve.rs"];

/// Of these the page shows every changed line.
const SHOWN_IN_FULL: [&str; 2] = ["play.rs", "serve.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn path(package: &str, file: &str) -> String {
    format!("crates/{package}/examples/line_server/{file}")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn shared_files_are_equal_in_all_packages() {
    let mut files = BTreeSet::new();
    for package in PACKAGES {
        for entry in fs::read_dir(root().join(path(package, ""))).expect("the example's folder") {
            let name = entry.expect("an entry").file_name();
            files.insert(name.into_string().expect("UTF-8"));
        }
    }
    let same: Vec<_> = files
        .iter()
        .filter(|file| !CHANGED.contains(&file.as_str()))
        .collect();
    assert!(same.len() >= 5, "{files:?}");
    for file in same {
        let first = read(&path(PACKAGES[0], file));
        for package in &PACKAGES[1..] {
            assert!(
                read(&path(package, file)) == first,
                "{} is not as in {}: copy the right one over the other",
                path(package, file),
                PACKAGES[0]
            );
        }
    }
}

/// One `@@` of a diff: lines taken away, added, and around them.
#[derive(Default)]
struct Hunk {
    old: Vec<String>,
    new: Vec<String>,
    line: usize,
}

/// The hunks in the `diff` blocks of the page, by the two files they are between.
fn hunks(page: &str) -> BTreeMap<(String, String), Vec<Hunk>> {
    let mut found: BTreeMap<_, Vec<Hunk>> = BTreeMap::new();
    let (mut inside, mut old, mut new) = (false, String::new(), String::new());
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```diff";
        } else if !inside {
        } else if let Some(name) = line.strip_prefix("--- ") {
            old = name.to_owned();
        } else if let Some(name) = line.strip_prefix("+++ ") {
            new = name.to_owned();
        } else {
            let of_pair = found.entry((old.clone(), new.clone())).or_default();
            if line == "@@" {
                of_pair.push(Hunk {
                    line: number + 1,
                    ..Hunk::default()
                });
                continue;
            }
            let hunk = of_pair.last_mut().expect("a hunk begins with @@");
            let (mark, text) = line.split_at_checked(1).unwrap_or((" ", ""));
            match mark {
                "-" => hunk.old.push(text.to_owned()),
                "+" => hunk.new.push(text.to_owned()),
                " " => {
                    hunk.old.push(text.to_owned());
                    hunk.new.push(text.to_owned());
                }
                _ => panic!("line {}: no line of a diff: {line}", number + 1),
            }
        }
    }
    found
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(String::from).collect()
}

/// Where these lines stand one after another.
fn place(lines: &[String], wanted: &[String]) -> Option<usize> {
    let mut windows = lines.windows(wanted.len());
    windows.position(|window| window == wanted)
}

#[test]
fn page_shows_the_port_as_it_is() {
    let hunks = hunks(&read("docs/porting-sockets.md"));
    let files = ["main.rs", "play.rs", "serve.rs"];
    let ports: BTreeSet<_> = PACKAGES
        .windows(2)
        .flat_map(|pair| files.map(|file| (path(pair[0], file), path(pair[1], file))))
        .collect();
    assert_eq!(hunks.keys().cloned().collect::<BTreeSet<_>>(), ports);

    for ((old_path, new_path), hunks) in hunks {
        let (old, new) = (lines(&read(&old_path)), lines(&read(&new_path)));
        let again = format!("see `diff -U1 {old_path} {new_path}`");
        let at = |line| format!("docs/porting-sockets.md, hunk in line {line}: {again}");
        // The page goes by steps, not from the top of a file to its end.
        let mut placed: Vec<(usize, &Hunk)> = hunks
            .iter()
            .map(|hunk| {
                assert!(place(&new, &hunk.new).is_some(), "{}", at(hunk.line));
                let began = place(&old, &hunk.old).unwrap_or_else(|| panic!("{}", at(hunk.line)));
                (began, hunk)
            })
            .collect();
        placed.sort_by_key(|(began, _)| *began);
        let mut ported = Vec::new();
        let mut done = 0;
        for (began, hunk) in placed {
            let between = old.get(done..began);
            ported.extend_from_slice(between.unwrap_or_else(|| panic!("{}", at(hunk.line))));
            ported.extend_from_slice(&hunk.new);
            done = began + hunk.old.len();
        }
        ported.extend_from_slice(&old[done..]);
        if SHOWN_IN_FULL.iter().any(|file| old_path.ends_with(file)) {
            assert!(
                ported == new,
                "the page does not show all of a port: {again}"
            );
        }
    }
}
