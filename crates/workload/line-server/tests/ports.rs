//! The three line servers are ports of each other, as `docs/porting-sockets.md` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The blocking one first, then in the order in which the page ports them.
const PACKAGES: [&str; 3] = ["threads", "tokio-tasks", "async-std-tasks"];

/// The files that a port changes. All other files are links to those of the first package.
const CHANGED: [&str; 4] = ["main.rs", "play.rs", "permits.rs", "serve.rs"];

/// The files of which the page shows every changed line.
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
fn shared_files_are_links_to_the_first_package() {
    let entries = fs::read_dir(root().join(path(PACKAGES[0], ""))).expect("the example's folder");
    let mut linked = 0;
    for entry in entries {
        let name = entry.expect("an entry").file_name();
        let file = name.to_str().expect("UTF-8");
        if CHANGED.contains(&file) {
            continue;
        }
        for package in &PACKAGES[1..] {
            let link = path(package, file);
            let to = fs::read_link(root().join(&link)).unwrap_or_else(|error| {
                panic!("{link} should be a link, to {}: {error}", PACKAGES[0])
            });
            assert_eq!(
                to,
                Path::new("../../..").join(&path(PACKAGES[0], file)[7..])
            );
            linked += 1;
        }
    }
    assert!(linked >= 10, "{linked} links");
}

/// One hunk of a diff: the lines of both sides.
#[derive(Default)]
struct Hunk {
    old: Vec<String>,
    new: Vec<String>,
    line: usize,
}

/// The hunks in the `diff` blocks of the page, by their two files.
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
                _ => panic!("line {}: not a line of a diff: {line}", number + 1),
            }
        }
    }
    found
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(String::from).collect()
}

/// The index of the first of these consecutive lines.
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
        // The page follows the steps of the port, not the order of the lines.
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
