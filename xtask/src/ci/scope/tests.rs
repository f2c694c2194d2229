use std::fs;

use super::*;
use crate::packages::workspace;

fn member(name: &str, folder: &str, depends_on: &[&str]) -> Member {
    Member {
        name: name.to_string(),
        folder: folder.into(),
        depends_on: depends_on.iter().map(PathBuf::from).collect(),
    }
}

/// A workspace like this one, with two models.
fn members() -> Vec<Member> {
    vec![
        member("locks", "crates/locks", &[]),
        member(
            "locks-compare",
            "crates/locks/compare",
            &["crates/locks", "crates/workload"],
        ),
        member(
            "locks-rivals",
            "crates/locks/rivals",
            &["crates/locks", "crates/workload/rivals"],
        ),
        member("queue", "crates/queue", &[]),
        member(
            "queue-compare",
            "crates/queue/compare",
            &["crates/queue", "crates/workload"],
        ),
        member("workload", "crates/workload", &[]),
        member(
            "workload-compare",
            "crates/workload/compare",
            &["crates/workload"],
        ),
        member(
            "workload-rivals",
            "crates/workload/rivals",
            &["crates/workload/stats"],
        ),
        member("workload-stats", "crates/workload/stats", &[]),
        member(
            "xtask",
            "xtask",
            &["crates/workload", "crates/workload/stats"],
        ),
    ]
}

fn paths(paths: &[&str]) -> BTreeSet<PathBuf> {
    paths.iter().map(PathBuf::from).collect()
}

#[track_caller]
fn touches(changed: &[&str], links: &[Link], expected: &[&str]) {
    let packages = expected.iter().map(|name| (*name).to_string()).collect();
    assert_eq!(
        scope(&members(), &paths(changed), links),
        Scope::Some(Touched {
            packages,
            pages: false
        })
    );
}

#[track_caller]
fn touches_everything(changed: &[&str], because: &str) {
    assert_eq!(
        scope(&members(), &paths(changed), &[]),
        Scope::All(Some(because.into()))
    );
}

fn link(at: &str, to: &str) -> Link {
    Link {
        at: at.into(),
        to: to.into(),
    }
}

#[test]
fn a_change_to_a_model_touches_it_its_runner_and_its_rivals() {
    let all = ["locks", "locks-compare", "locks-rivals"];
    for path in [
        "crates/locks/src/lib.rs",
        "crates/locks/README.md",
        "crates/locks/tests/data/a file.bin",
        "crates/locks/.hidden",
    ] {
        touches(&[path], &[], &all);
    }
    touches(
        &["crates/queue/src/lib.rs", "crates/locks/rivals/src/lib.rs"],
        &[],
        &["locks-rivals", "queue", "queue-compare"],
    );
}

#[test]
fn a_change_to_a_runner_leaves_the_model_alone() {
    touches(
        &["crates/locks/compare/src/main.rs"],
        &[],
        &["locks-compare"],
    );
}

#[test]
fn a_change_to_the_inputs_touches_all_that_use_them() {
    touches(
        &["crates/workload/workloads/gcd.toml"],
        &[],
        &[
            "locks-compare",
            "queue-compare",
            "workload",
            "workload-compare",
            "xtask",
        ],
    );
}

#[test]
fn a_change_to_xtask_touches_no_bench() {
    touches(&["xtask/src/report.rs"], &[], &["xtask"]);
}

#[test]
fn a_change_to_xtask_touches_the_page_in_the_browser() {
    let mut members = members();
    members.push(member("xtask-browser", "xtask/browser", &["xtask"]));
    for (changed, expected) in [
        ("xtask/src/page/style.css", &["xtask", "xtask-browser"][..]),
        ("xtask/browser/src/probes.js", &["xtask-browser"]),
    ] {
        let packages = expected.iter().map(|name| (*name).to_string()).collect();
        let touched = Touched {
            packages,
            pages: false,
        };
        let found = scope(&members, &paths(&[changed]), &[]);
        assert_eq!(found, Scope::Some(touched), "{changed}");
    }
}

#[test]
fn a_change_to_the_statistics_touches_xtask_and_all_benches() {
    touches(
        &["crates/workload/stats/src/lib.rs"],
        &[],
        &["locks-rivals", "workload-rivals", "workload-stats", "xtask"],
    );
}

#[test]
fn the_gate_and_helper_programs_touch_everything() {
    for path in [
        "xtask/src/ci/mod.rs",
        "crates/workload/compare/src/bin/origin.rs",
    ] {
        touches_everything(&["crates/locks/src/lib.rs", path], path);
    }
}

#[test]
fn files_of_all_builds_touch_everything() {
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "rust-toolchain",
        "rustfmt.toml",
        "clippy.toml",
        ".cargo/config.toml",
        ".ci/run",
        ".gitignore",
    ] {
        touches_everything(&[path, "crates/locks/src/lib.rs"], path);
    }
}

#[test]
fn a_path_outside_all_packages_touches_everything() {
    touches_everything(&["crates/gone/src/lib.rs"], "crates/gone/src/lib.rs");
    touches_everything(&["tools/new.sh"], "tools/new.sh");
    // A folder whose name only shares a prefix.
    touches_everything(&["crates/locks2/src/lib.rs"], "crates/locks2/src/lib.rs");
    touches_everything(&["docs.md/file"], "docs.md/file");
}

#[test]
fn a_page_touches_only_the_tests_that_read_it() {
    for page in [
        "README.md",
        "SECURITY.md",
        "docs/protocol.md",
        "docs/runner.py",
    ] {
        let touched = Touched {
            packages: BTreeSet::new(),
            pages: true,
        };
        assert_eq!(
            scope(&members(), &paths(&[page]), &[]),
            Scope::Some(touched),
            "{page}"
        );
    }
}

#[test]
fn an_example_touches_the_test_that_compares_it_with_its_ports() {
    let mut members = members();
    members.push(member("threads", "crates/threads", &[]));
    let changed = paths(&["crates/threads/examples/line_server/play.rs"]);
    let packages = ["threads", "workload-line-server"]
        .map(str::to_string)
        .into();
    assert_eq!(
        scope(&members, &changed, &[]),
        Scope::Some(Touched {
            packages,
            pages: false
        })
    );
}

#[test]
fn a_manifest_touches_the_test_that_compares_all_runners() {
    touches(
        &["crates/queue/compare/Cargo.toml"],
        &[],
        &["queue-compare", "xtask"],
    );
}

#[test]
fn a_file_of_another_crate_is_reached_through_a_link() {
    let links = [link(
        "crates/queue/src/panic.rs",
        "crates/locks/src/panic.rs",
    )];
    let both = [
        "locks",
        "locks-compare",
        "locks-rivals",
        "queue",
        "queue-compare",
    ];
    touches(&["crates/locks/src/panic.rs"], &links, &both);
    // The other way round nothing is shared but the link itself.
    touches(
        &["crates/queue/src/panic.rs"],
        &links,
        &["queue", "queue-compare"],
    );
}

#[test]
fn links_are_followed_through_links_and_folders() {
    let links = [
        link("crates/queue/tests/a.rs", "crates/queue/tests/b.rs"),
        link("crates/queue/tests/b.rs", "crates/locks/shared/c.rs"),
    ];
    let queue_too = |changed, links: &[Link]| {
        let Scope::Some(found) = scope(&members(), &paths(&[changed]), links) else {
            panic!("everything");
        };
        assert!(found.packages.contains("queue"), "{changed}: {found:?}");
    };
    queue_too("crates/locks/shared/c.rs", &links);
    // A link to a folder with a changed file, and a link through a folder that was itself replaced.
    queue_too(
        "crates/locks/shared/deep/d.rs",
        &[link("crates/queue/shared", "crates/locks/shared")],
    );
    queue_too("crates/locks/shared", &links);
}

#[test]
fn the_licences_at_the_top_touch_the_crates_that_link_to_them() {
    let links = [link("crates/locks/LICENSE-MIT", "LICENSE-MIT")];
    assert_eq!(
        scope(&members(), &paths(&["LICENSE-MIT"]), &links),
        Scope::All(Some("LICENSE-MIT".into()))
    );
}

#[test]
fn no_change_touches_no_package() {
    touches(&[], &[], &[]);
}

#[test]
fn the_target_of_a_link_is_found_without_the_file() {
    let folder = Path::new("crates/queue/src");
    assert_eq!(
        target(folder, Path::new("../../locks/./src/panic.rs")),
        Some("crates/locks/src/panic.rs".into())
    );
    assert_eq!(target(folder, Path::new("../../../../out")), None);
    assert_eq!(target(folder, Path::new("/etc/passwd")), None);
}

/// A package that reads files of another without depending on it would be passed over.
#[test]
fn only_known_readers_read_files_of_other_packages() {
    let packages = workspace().unwrap();
    let mut known: BTreeSet<&str> = PAGE_TESTS.iter().map(|(package, _)| *package).collect();
    known.extend(READERS.iter().map(|(_, package)| *package));
    let mut unknown = Vec::new();
    for member in &packages.members {
        let mut folders = vec![packages.root.join(&member.folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let inner = path.strip_prefix(&packages.root).unwrap();
                let is_own = owner(&packages.members, inner) == Some(member);
                if entry.file_type().unwrap().is_dir() {
                    if is_own && path.file_name().is_some_and(|name| name != "target") {
                        folders.push(path);
                    }
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    // Arguments of the macro are read where it is called.
                    let text = text
                        .split("macro_rules! line_server_tests")
                        .next()
                        .unwrap_or("");
                    let climbs = text.contains("line_server_tests!(\"")
                        || text.contains("\"docs/")
                        || text.contains(concat!("..", "/../.."));
                    if climbs && !known.contains(member.name.as_str()) {
                        unknown.push(inner.display().to_string());
                    }
                }
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "read files of other packages: name them in READERS or PAGE_TESTS: {unknown:#?}"
    );
}

#[test]
fn the_tests_that_read_pages_exist() {
    let packages = workspace().unwrap();
    for (package, tests) in PAGE_TESTS {
        let member = packages.members.iter().find(|one| one.name == package);
        let folder = packages.root.join(&member.unwrap().folder).join("tests");
        for test in tests {
            let file = folder.join(format!("{test}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
