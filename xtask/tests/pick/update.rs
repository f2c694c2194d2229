//! `pick --update`: what is new comes in where the user changed nothing.

use std::fs;

use crate::bench::Bench;

#[test]
fn update_changes_what_the_user_left_alone() {
    let bench = Bench::new();
    bench.write("ws/crates/tiny/tests/gone.rs", "//! Gone.\n");
    bench.write("ws/crates/tiny/src/both.rs", "// one\n// two\n");
    bench.write("ws/crates/tiny/README.md", "# tiny\n");
    bench.picked("tiny");

    // The user's changes.
    let lib = bench.read("tiny/src/lib.rs");
    bench.write(
        "tiny/src/lib.rs",
        &format!("{lib}\n/// Two.\npub fn two() -> u32 {{\n    2\n}}\n"),
    );
    bench.write("tiny/src/both.rs", "// one\n// my two\n");
    bench.write(
        "tiny/tests/mine.rs",
        "#[test]\nfn two() {\n    assert_eq!(tiny::two(), 2);\n}\n",
    );
    fs::remove_file(bench.path("tiny/README.md")).expect("removed");
    // The crate's.
    fs::remove_file(bench.path("ws/crates/tiny/tests/gone.rs")).expect("removed");
    bench.write("ws/crates/tiny/src/both.rs", "// one\n// their two\n");
    bench.write(
        "ws/crates/tiny/tests/more.rs",
        "//! More.\n\n#[test]\nfn more() {}\n",
    );
    let test = bench.read("ws/crates/tiny/tests/one.rs");
    bench.write(
        "ws/crates/tiny/tests/one.rs",
        &test.replace("//! One.\n", "//! One.\n//! And only.\n"),
    );

    bench.refused(
        "tiny",
        &[
            "changed since they were picked: src/both.rs, src/lib.rs;",
            "--update",
        ],
    );
    let told = bench.picked_with("tiny", &["--update"]);
    for line in [
        "updated tiny in ",
        "from 0.3.0 to 0.3.0: 2 files written, ",
        "  new      tests/more.rs  +4 -0\n",
        "  changed  tests/one.rs  +1 -0\n",
        "  removed  tests/gone.rs\n",
        "  kept     src/both.rs  changed by you and in the crate: yours stays\n",
        "  kept     src/lib.rs  changed by you, not in the crate\n",
        "  kept     README.md  deleted by you: it stays away\n",
        "tested in a temporary folder first: 3 passed, 0 failed",
        "compare: diff -u ",
    ] {
        assert!(told.contains(line), "lacks {line:?}: {told}");
    }
    assert!(bench.read("tiny/src/lib.rs").contains("two()"));
    assert_eq!(bench.read("tiny/src/both.rs"), "// one\n// my two\n");
    assert!(bench.read("tiny/tests/one.rs").contains("And only."));
    assert!(bench.path("tiny/tests/mine.rs").exists() && bench.path("tiny/tests/more.rs").exists());
    assert!(!bench.path("tiny/tests/gone.rs").exists() && !bench.path("tiny/README.md").exists());
    // The crate's version is where the last line says.
    let theirs = told
        .lines()
        .find(|line| line.starts_with("compare: "))
        .expect("a line");
    let theirs = theirs.rsplit(' ').next().expect("a path");
    assert_eq!(
        fs::read_to_string(theirs).expect("their version"),
        "// one\n// their two\n"
    );

    // A conflict is reported once.
    let told = bench.picked_with("tiny", &["--update", "--no-test"]);
    assert!(told.contains("0 files written"), "{told}");
    assert!(
        told.contains("src/both.rs  changed by you, not in the crate"),
        "{told}"
    );
}

#[test]
fn update_that_breaks_the_users_changes_is_not_placed() {
    let bench = Bench::new();
    bench.picked_with("tiny", &["--no-test"]);
    bench.write(
        "tiny/tests/mine.rs",
        "#[test]\nfn mine() {\n    assert_eq!(tiny::one(), 1);\n}\n",
    );
    bench.write(
        "ws/crates/tiny/src/lib.rs",
        "//! Tiny.\n\n/// One.\npub fn uno() -> u32 {\n    1\n}\n",
    );
    bench.write("ws/crates/tiny/tests/one.rs", "//! One.\n");
    let before = crate::bench::files(&bench.path("tiny"));
    let output = bench
        .command("tiny", &["--update"])
        .output()
        .expect("xtask starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(crate::bench::files(&bench.path("tiny")), before);
}

#[test]
fn update_without_an_earlier_pick_is_refused() {
    let bench = Bench::new();
    bench.refused_with(
        "tiny",
        &["--update"],
        &["holds no pick", "leave out --update"],
    );
    bench.write("mine/notes", "x");
    bench.refused_with("mine", &["--update"], &["holds no pick"]);
}

#[test]
fn file_that_no_pick_wrote_is_never_recorded() {
    let bench = Bench::new();
    bench.picked_with("tiny", &["--no-test"]);
    bench.write("tiny/tests/more.rs", "// mine\n");
    bench.write("ws/crates/tiny/tests/more.rs", "//! Theirs.\n");
    let told = bench.picked_with("tiny", &["--update", "--no-test"]);
    assert!(
        told.contains("tests/more.rs  new in the crate, and not written by a pick"),
        "{told}"
    );
    assert_eq!(bench.read("tiny/tests/more.rs"), "// mine\n");
    assert!(!bench.read("tiny/.pick.json").contains("more.rs"));
}
