//! `cargo xtask pick` on a small workspace made for the test: the picked crate works where it
//! stands, and no file of the user is lost.

mod bench;
mod killed;
mod update;
mod workspace;

use std::fs;

use bench::{Bench, names};

#[test]
fn a_picked_crate_stands_alone_and_passes_its_tests() {
    let bench = Bench::new();
    let told = bench.picked("out/tiny");
    assert!(
        told.contains("test result: ok. 1 passed"),
        "the tests can be watched: {told}"
    );
    assert!(
        told.contains("picked tiny 0.3.0 into ")
            && told.contains("tested in a temporary folder first: 1 passed, 0 failed"),
        "{told}"
    );

    let mut expected = vec![
        ".pick.json",
        "Cargo.lock",
        "Cargo.toml",
        "src/lib.rs",
        "tests/one.rs",
    ];
    if cfg!(unix) {
        expected.insert(3, "LICENSE-MIT");
        assert!(
            bench
                .path("out/tiny/LICENSE-MIT")
                .symlink_metadata()
                .expect("a licence")
                .is_file()
        );
    }
    assert_eq!(
        names(&bench, "out/tiny"),
        expected,
        "no runner, and no notes of cargo"
    );
    assert_eq!(
        names(&bench, "out").len(),
        expected.len(),
        "nothing is left beside it"
    );

    let manifest = bench.read("out/tiny/Cargo.toml");
    for part in [
        "version = \"0.3.0\"",
        "edition = \"2024\"",
        "license = \"MIT\"",
        "missing_docs = \"warn\"",
    ] {
        assert!(manifest.contains(part), "{manifest}");
    }
    assert!(
        !manifest.contains("workspace") && !manifest.contains("autotests"),
        "{manifest}"
    );
}

#[test]
fn nested_dependency_is_picked_with_its_crate() {
    let bench = Bench::new();
    let root = bench.read("ws/Cargo.toml");
    bench.write(
        "ws/Cargo.toml",
        &root.replace("'crates/*/compare'", "'crates/*/compare', 'crates/*/core'"),
    );
    bench.write(
        "ws/crates/tiny/core/Cargo.toml",
        "[package]\nname = 'tiny-core'\nversion.workspace = true\nedition.workspace = true\n\
         publish.workspace = true\n[lints]\nworkspace = true\n",
    );
    bench.write(
        "ws/crates/tiny/core/src/lib.rs",
        "//! Core.\n\n/// One.\npub const ONE: u32 = 1;\n",
    );
    let manifest = bench.read("ws/crates/tiny/Cargo.toml");
    bench.write(
        "ws/crates/tiny/Cargo.toml",
        &format!("{manifest}[dependencies]\ntiny-core = {{ path = 'core', version = '0.3.0' }}\n"),
    );
    bench.write(
        "ws/crates/tiny/src/lib.rs",
        "//! Tiny.\n\n/// One.\npub fn one() -> u32 {\n    tiny_core::ONE\n}\n",
    );
    let told = bench.picked("out");
    assert!(told.contains("first: 1 passed, 0 failed"), "{told}");
    let files = names(&bench, "out");
    for file in ["core/Cargo.toml", "core/src/lib.rs"] {
        assert!(files.iter().any(|found| found == file), "{files:?}");
    }
    assert!(
        !files.iter().any(|found| found == "core/Cargo.lock"),
        "{files:?}"
    );
    let manifest = bench.read("out/Cargo.toml");
    assert!(manifest.contains("path = \"core\""), "{manifest}");
}

#[test]
fn a_second_pick_brings_the_folder_up_to_date() {
    let bench = Bench::new();
    bench.write("ws/crates/tiny/tests/gone.rs", "//! Gone.\n");
    bench.picked("tiny");
    bench.write("tiny/notes.txt", "the user's own");
    fs::remove_file(bench.path("ws/crates/tiny/tests/gone.rs")).expect("removed");
    bench.write(
        "ws/crates/tiny/tests/more.rs",
        "//! More.\n\n#[test]\nfn more() {}\n",
    );

    let told = bench.picked("tiny");
    assert!(told.contains("1 file written"), "{told}");
    assert!(
        told.contains("1 removed") && told.contains("2 passed, 0 failed"),
        "{told}"
    );
    assert!(
        bench.path("tiny/tests/more.rs").exists() && !bench.path("tiny/tests/gone.rs").exists()
    );
    assert_eq!(bench.read("tiny/notes.txt"), "the user's own");
}

#[test]
fn files_that_were_changed_since_are_named_and_kept() {
    let bench = Bench::new();
    bench.picked("tiny");
    bench.write("tiny/src/lib.rs", "//! Mine.\n");
    bench.write("ws/crates/tiny/tests/one.rs", "//! Newer.\n");
    bench.refused(
        "tiny",
        &["changed since", "src/lib.rs", "--update", "another folder"],
    );
}

#[test]
fn files_that_no_pick_wrote_are_named_and_kept() {
    let bench = Bench::new();
    bench.write("full/thesis.txt", "years of work");
    bench.refused("full", &["not empty", "thesis.txt", "choose a new folder"]);

    bench.picked("tiny");
    bench.write("tiny/src/more.rs", "// mine\n");
    bench.write("ws/crates/tiny/src/more.rs", "//! Theirs.\n");
    bench.refused("tiny", &["not written by a pick", "src/more.rs"]);
}

#[test]
fn a_file_or_another_pick_in_the_way_is_refused() {
    let bench = Bench::new();
    bench.write("file", "x");
    bench.refused("file", &["choose another folder"]);
    bench.write(
        "other/.pick.json",
        r#"{"crate": "big", "version": "1.0.0", "files": {}}"#,
    );
    bench.refused("other", &["a pick of `big`", "`tiny`"]);
    bench.write("odd/.pick.json", "no JSON");
    bench.refused("odd", &[".pick.json", "choose another folder"]);
}

/// The record is untrusted: it is an ordinary file that anyone may have written.
#[test]
fn a_record_never_removes_or_replaces_files_outside_its_folder() {
    let bench = Bench::new();
    bench.write("victim", "precious");
    // The digest that a pick would have recorded for that file.
    let digest = format!("{:016x}", workload::value::digest_bytes(&[b"precious"]));
    let outside = bench.path("victim").display().to_string();
    for path in ["../victim", "src/../../victim", &outside] {
        bench.write(
            "hostile/.pick.json",
            &format!(
                r#"{{"crate": "tiny", "version": "0.3.0", "files": {{"{path}": "{digest}"}}}}"#
            ),
        );
        bench.refused("hostile", &[".pick.json", path, "choose another folder"]);
    }
    // A folder of the crate that is a link to elsewhere, with the record listing the file there.
    bench.write("elsewhere/lib.rs", "precious");
    bench.write(
        "linked/.pick.json",
        &format!(
            r#"{{"crate": "tiny", "version": "0.3.0", "files": {{"src/lib.rs": "{digest}"}}}}"#
        ),
    );
    std::os::unix::fs::symlink("../elsewhere", bench.path("linked/src")).expect("a link");
    bench.refused("linked", &["changed since they were picked: src/lib.rs"]);
}

#[test]
fn a_record_that_is_a_fifo_or_endless_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("fifo")).expect("a folder");
    let (mode, kind) = (rustix::fs::Mode::RWXU, rustix::fs::FileType::Fifo);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        bench.path("fifo/.pick.json"),
        kind,
        mode,
        0,
    )
    .expect("a FIFO");
    let output = bench.pick("fifo");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("it is a FIFO"), "{stderr}");
    fs::create_dir(bench.path("zeros")).expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", bench.path("zeros/.pick.json")).expect("a link");
    let output = bench.pick("zeros");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("a symbolic link"), "{stderr}");
}

#[test]
fn a_folder_inside_the_checkout_is_refused() {
    let bench = Bench::new();
    for folder in ["ws/picked", "ws/crates/tiny/deep/../picked", "ws"] {
        bench.refused(folder, &["inside the checkout", "choose a folder outside"]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_at_once() {
    let bench = Bench::new();
    // Not even root can make files there.
    let output = bench
        .command("/proc/tiny", &[])
        .output()
        .expect("xtask starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write in /proc: "), "{stderr}");
    assert!(!stderr.contains("Packaging"), "{stderr}");
}

#[test]
fn a_crate_that_fails_its_tests_is_not_placed() {
    let bench = Bench::new();
    bench.write(
        "ws/crates/tiny/tests/one.rs",
        "//! One.\n\n#[test]\nfn one() {\n    assert_eq!(tiny::one(), 2);\n}\n",
    );
    let output = bench.pick("tiny");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("its tests say 0 passed, 1 failed: nothing was placed"),
        "{stderr}"
    );
    assert!(!bench.path("tiny").exists());
    let told = bench.picked_with("tiny", &["--no-test"]);
    assert!(told.contains("not tested"), "{told}");
    assert!(bench.path("tiny/src/lib.rs").exists());
}

/// Cargo takes two folders that hold the same package for one, and what was built last for fresh.
#[test]
fn pick_is_tested_where_it_is_and_not_an_earlier_one() {
    let bench = Bench::new();
    let good = bench.read("ws/crates/tiny/src/lib.rs");
    bench.picked("one");
    bench.write("ws/crates/tiny/src/lib.rs", &good.replace('1', "2"));
    assert_eq!(
        bench.pick("other").status.code(),
        Some(1),
        "its test expects 1"
    );
    bench.write("ws/crates/tiny/src/lib.rs", &good);
    let told = bench.picked("one");
    assert!(told.contains("0 files written"), "{told}");
}
