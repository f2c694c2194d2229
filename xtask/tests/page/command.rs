//! `cargo xtask report --html`: a page beside any results, and only over regular files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use xtask::page::{Beside, page_beside};
use xtask::results;

use crate::fixture;
use crate::markup::Page;
use crate::program;

fn report(folder: &Path, html: &str) -> Output {
    report_with(folder, &["--html", html])
}

fn report_with(folder: &Path, args: &[&str]) -> Output {
    let path = folder.join("old.json");
    results::write(&path, &fixture::results()).expect("results");
    program::xtask()
        .args(["report", "old.json"])
        .args(args)
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
    let beside = Beside {
        csv: None,
        json: Some("old.json".into()),
    };
    assert_eq!(written, page_beside(&fixture::results(), None, &beside));
    Page::read(&written);
}

/// The addresses of the files that the page links to.
fn linked(folder: &Path) -> Vec<String> {
    let page = fs::read_to_string(folder.join("page.html")).expect("a page");
    let page = Page::read(&page);
    let links = page.all("a").into_iter();
    let links = links.filter_map(|link| link.attribute("href").map(str::to_owned));
    links
        .filter(|to| !to.starts_with('#') && !to.contains("://"))
        .collect()
}

#[test]
fn page_links_to_samples_written_beside_it_only() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("other")).expect("a folder");
    for (csv, expected) in [
        ("all samples.csv", &["old.json", "all%20samples.csv"][..]),
        ("other/all.csv", &["old.json"]),
    ] {
        let output = report_with(folder.path(), &["--html", "page.html", "--csv", csv]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(linked(folder.path()), expected);
    }
    let elsewhere = report_with(folder.path(), &["--html", "other/page.html"]);
    assert!(elsewhere.status.success(), "{elsewhere:?}");
    assert!(linked(&folder.path().join("other")).is_empty());
}

#[test]
fn a_file_of_a_report_is_no_other_of_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for (to, name) in [("old.json", "link.csv"), (".", "here")] {
        symlink(to, folder.path().join(name)).expect("a link");
    }
    for (args, named) in [
        (
            &["--html", "./old.json"][..],
            "--html would overwrite the file of RESULTS.json",
        ),
        (
            &["--csv", "link.csv"],
            "--csv would overwrite the file of RESULTS.json",
        ),
        (
            &["--html", "new", "--trace", "here/new"],
            "--trace would overwrite the file of --html",
        ),
    ] {
        let output = report_with(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(named), "{said}");
        assert!(!folder.path().join("new").exists());
    }
    let kept = results::read(&folder.path().join("old.json")).expect("results");
    assert_eq!(kept.cells.len(), fixture::results().cells.len());
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
