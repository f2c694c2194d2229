//! `cargo xtask report --html`: a page beside any results, and only over regular files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use xtask::results;

use crate::fixture;
use crate::markup::Page;

fn report(folder: &Path, html: &str) -> Output {
    let path = folder.join("old.json");
    results::write(&path, &fixture::results()).expect("results");
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["report", "old.json", "--html", html])
        .current_dir(folder)
        .output()
        .expect("xtask runs")
}

#[test]
fn report_writes_the_page_of_an_old_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = report(folder.path(), "page.html");
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("page.html"),
        "{output:?}"
    );
    let written = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert_eq!(written, xtask::page::page(&fixture::results(), None));
    Page::read(&written);
}

#[test]
fn page_replaces_no_folder_and_no_device() {
    let folder = tempfile::tempdir().expect("a folder");
    for target in [".", "/dev/null"] {
        let output = report(folder.path(), target);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(target), "{said}");
    }
    assert!(!Path::new("/dev/null").is_file());
}
