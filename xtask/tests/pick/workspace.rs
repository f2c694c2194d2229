//! Picks into a workspace of the user.

use std::fs;
use std::process::{Command, Stdio};

use crate::bench::{Bench, files, names};

/// A workspace with one package, which a picked crate joins.
const MANIFEST: &str = "# Ours.\n[workspace]\nresolver = \"3\"\nmembers = [\n    \"app\", # the program\n]\n\n\
     [workspace.package]\nedition = \"2021\"\n\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("theirs/Cargo.toml", MANIFEST);
    bench.write(
        "theirs/app/Cargo.toml",
        "[package]\nname = 'app'\nversion = '1.0.0'\nedition.workspace = true\n",
    );
    bench.write("theirs/app/src/main.rs", "fn main() {}\n");
    bench
}

/// Cargo in the user's workspace, offline.
#[track_caller]
fn cargo(bench: &Bench, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("--offline")
        .current_dir(bench.path("theirs"))
        .env("CARGO_TARGET_DIR", bench.path("theirs/target"))
        .stdin(Stdio::null())
        .output()
        .expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn crate_becomes_a_member_and_works_there() {
    let bench = bench();
    let told = bench.picked("theirs/vendor/tiny");
    assert!(
        told.contains("tested in a temporary folder first: 1 passed, 0 failed"),
        "{told}"
    );
    assert!(told.contains("added to the members in "), "{told}");
    assert!(
        told.contains("    tiny = { path = \"vendor/tiny\" }\n    tiny.workspace = true\n"),
        "{told}"
    );
    assert!(told.contains("no other crate comes along"), "{told}");
    let expected = MANIFEST.replace(
        "\"app\", # the program\n",
        "\"app\", # the program\n    \"vendor/tiny\",\n",
    );
    assert_eq!(bench.read("theirs/Cargo.toml"), expected);
    assert!(
        !names(&bench, "theirs/vendor")
            .iter()
            .any(|name| name.ends_with("Cargo.lock")),
        "cargo reads only the lock file of the workspace"
    );
    let manifest = bench.read("theirs/vendor/tiny/Cargo.toml");
    assert!(manifest.contains("edition = \"2024\""), "{manifest}");

    // As the printed lines say.
    bench.write(
        "theirs/Cargo.toml",
        &format!("{expected}\n[workspace.dependencies]\ntiny = {{ path = \"vendor/tiny\" }}\n"),
    );
    let app = bench.read("theirs/app/Cargo.toml");
    bench.write(
        "theirs/app/Cargo.toml",
        &format!("{app}[dependencies]\ntiny.workspace = true\n"),
    );
    bench.write(
        "theirs/app/src/main.rs",
        "fn main() {\n    println!(\"{}\", tiny::one());\n}\n",
    );
    assert_eq!(
        cargo(&bench, &["run", "--quiet", "--package", "app"]),
        "1\n"
    );
    let tests = cargo(&bench, &["test", "--package", "tiny"]);
    assert!(tests.contains("1 passed"), "{tests}");
    cargo(
        &bench,
        &["package", "--package", "tiny", "--allow-dirty", "--quiet"],
    );
}

#[test]
fn second_pick_into_a_workspace_changes_no_byte() {
    let bench = bench();
    bench.picked("theirs/vendor/tiny");
    let before = files(&bench.path("theirs"));
    let told = bench.picked("theirs/vendor/tiny");
    assert!(told.contains("0 files written"), "{told}");
    assert!(told.contains("covered by the members in "), "{told}");
    assert_eq!(files(&bench.path("theirs")), before);
}

#[test]
fn line_ends_of_windows_stay() {
    let bench = bench();
    bench.write("theirs/Cargo.toml", &MANIFEST.replace('\n', "\r\n"));
    bench.picked_with("theirs/tiny", &["--no-test"]);
    let manifest = bench.read("theirs/Cargo.toml");
    assert!(manifest.contains("    \"tiny\",\r\n]\r\n"), "{manifest:?}");
    assert_eq!(
        manifest.matches('\n').count(),
        manifest.matches("\r\n").count()
    );
}

#[test]
fn members_with_a_pattern_are_left_as_they_are() {
    let bench = bench();
    let manifest = MANIFEST.replace("\"app\", # the program", "\"app\", \"vendor/*\",");
    bench.write("theirs/Cargo.toml", &manifest);
    let told = bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    assert!(told.contains("covered by the members in "), "{told}");
    assert_eq!(bench.read("theirs/Cargo.toml"), manifest);
    let tests = cargo(&bench, &["test", "--package", "tiny"]);
    assert!(tests.contains("1 passed"), "{tests}");
}

#[test]
fn folder_that_a_pattern_matches_can_be_excluded() {
    let bench = bench();
    let manifest = MANIFEST.replace(
        "\"app\", # the program",
        "\"app\", \"vendor/*\",\n]\nexclude = [\n    \"./vendor/tiny\"",
    );
    bench.write("theirs/Cargo.toml", &manifest);
    let told = bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    assert!(told.contains("standing alone, as "), "{told}");
    assert_eq!(bench.read("theirs/Cargo.toml"), manifest);
    cargo(&bench, &["metadata", "--format-version", "1", "--no-deps"]);
    bench.refused_with(
        "theirs/vendor/tiny",
        &["--inherit"],
        &["in no workspace", "leave out --inherit"],
    );
}

#[test]
fn excluded_folder_or_one_of_a_package_stands_alone() {
    let bench = bench();
    let manifest = MANIFEST.replace("[workspace]\n", "[workspace]\nexclude = [\"vendor\"]\n");
    bench.write("theirs/Cargo.toml", &manifest);
    let told = bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    assert!(told.contains("standing alone, as "), "{told}");
    assert_eq!(bench.read("theirs/Cargo.toml"), manifest);
    assert!(bench.path("theirs/vendor/tiny/Cargo.lock").exists());

    bench.write(
        "alone/Cargo.toml",
        "[package]\nname = 'alone'\nversion = '1.0.0'\n",
    );
    let told = bench.picked_with("alone/vendor/tiny", &["--no-test"]);
    assert!(
        told.contains("    tiny = { path = \"vendor/tiny\" }\n"),
        "{told}"
    );
    assert!(!told.contains("member"), "{told}");
}

#[test]
fn fields_are_taken_from_the_workspace_on_request() {
    let bench = bench();
    // An edition that cannot compile the crate is no reason to refuse it.
    let told = bench.picked_with("theirs/old", &["--inherit", "--no-test"]);
    assert!(told.contains("from your workspace: lints\n"), "{told}");
    assert!(told.contains("differ: edition\n"), "{told}");
    fs::remove_dir_all(bench.path("theirs/old")).expect("removed");

    let newer = MANIFEST.replace("2021", "2024");
    bench.write(
        "theirs/Cargo.toml",
        &newer.replace("edition =", "publish = true\nedition ="),
    );
    let told = bench.picked_with("theirs/tiny", &["--inherit"]);
    assert!(
        told.contains("from your workspace: edition, lints\n"),
        "{told}"
    );
    let manifest = bench.read("theirs/tiny/Cargo.toml");
    assert!(manifest.contains("publish = false"), "{manifest}");
    assert!(
        manifest.contains("license = \"MIT\"")
            && manifest.contains("[package.edition]\nworkspace = true"),
        "{manifest}"
    );
    // A later pick keeps to it.
    let told = bench.picked_with("theirs/tiny", &["--update", "--no-test"]);
    assert!(told.contains("0 files written"), "{told}");
    bench.refused_with(
        "alone",
        &["--inherit"],
        &["in no workspace", "leave out --inherit"],
    );
}

#[test]
fn lints_of_the_workspace_are_part_of_the_trial() {
    let bench = bench();
    bench.write(
        "theirs/Cargo.toml",
        &MANIFEST.replace(
            "unsafe_code = \"deny\"",
            "missing_docs = \"deny\"\nunused = \"deny\"",
        ),
    );
    bench.write(
        "ws/crates/tiny/src/lib.rs",
        "//! Tiny.\n\n/// One.\npub fn one() -> u32 {\n    let unused = 0;\n    1\n}\n",
    );
    let before = files(&bench.path("theirs"));
    let output = bench
        .command("theirs/tiny", &["--inherit", "--no-test"])
        .output()
        .expect("xtask starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(files(&bench.path("theirs")), before);
    bench.picked_with("theirs/tiny", &["--no-test"]);
}

#[test]
fn package_of_the_same_name_in_the_workspace_is_refused() {
    let bench = bench();
    bench.picked_with("theirs/tiny", &["--no-test"]);
    bench.refused(
        "theirs/other",
        &[
            "has a package `tiny` already",
            "tiny/Cargo.toml",
            "choose a folder outside",
        ],
    );
}

#[test]
fn workspace_that_cargo_cannot_read_is_refused() {
    let bench = bench();
    fs::remove_dir_all(bench.path("theirs/app")).expect("removed");
    bench.refused(
        "theirs/tiny",
        &["cargo cannot read the workspace", "mend it first"],
    );
    bench.write("theirs/Cargo.toml", "[workspace\n");
    bench.refused("theirs/tiny", &["cannot read ", "choose a folder outside"]);
    bench.write("theirs/Cargo.toml", "workspace = {}\n");
    bench.refused(
        "theirs/tiny",
        &["cannot add a member", "put \"tiny\" into the members"],
    );
}

#[test]
fn link_to_a_folder_of_a_workspace_leads_there() {
    let bench = bench();
    fs::create_dir(bench.path("theirs/vendor")).expect("a folder");
    std::os::unix::fs::symlink("theirs/vendor", bench.path("link")).expect("a link");
    bench.picked_with("link/tiny", &["--no-test"]);
    assert!(bench.read("theirs/Cargo.toml").contains("\"vendor/tiny\""));
    // The manifest may be a link, too.
    fs::rename(
        bench.path("theirs/Cargo.toml"),
        bench.path("theirs/real.toml"),
    )
    .expect("renamed");
    std::os::unix::fs::symlink("real.toml", bench.path("theirs/Cargo.toml")).expect("a link");
    bench.write("theirs/real.toml", MANIFEST);
    bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    assert!(bench.path("theirs/Cargo.toml").is_symlink());
    assert!(bench.read("theirs/real.toml").contains("\"vendor/tiny\""));
}

#[test]
fn pick_that_was_moved_into_a_workspace_can_be_renewed() {
    let bench = bench();
    bench.picked_with("out/tiny", &["--no-test"]);
    fs::rename(bench.path("out/tiny"), bench.path("theirs/tiny")).expect("moved");
    bench.write(
        "ws/crates/tiny/src/lib.rs",
        "//! Tiny.\n\n/// One.\npub fn one() -> u32 {\n    2 - 1\n}\n",
    );
    let told = bench.picked_with("theirs/tiny", &["--update"]);
    assert!(told.contains("1 file written"), "{told}");
    assert!(bench.read("theirs/Cargo.toml").contains("\"tiny\""));
    assert!(!bench.path("theirs/tiny/Cargo.lock").exists());
}
