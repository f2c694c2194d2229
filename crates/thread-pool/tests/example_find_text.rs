//! The example `find_text`, started as a program.

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/find_text.rs"]
mod find_text;

use std::ffi::OsStr;

use example::{Folder, refuses, run};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(find_text::run);
}

#[test]
fn every_line_with_the_word_is_found_once() {
    let folder = Folder::new();
    for n in 0..40 {
        folder.write(
            &format!("{n}/deeper/{}/file", n % 3),
            "nothing\nthe needle\nnothing",
        );
    }
    folder.write("no text", b"the needle\nneedle \xff\xff");
    let ended = run(&[
        OsStr::new("needle"),
        folder.path().as_os_str(),
        OsStr::new("3"),
    ]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    let mut lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.pop(), Some("40 lines"));
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with("file:2: the needle")),
        "{ended:?}"
    );
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 40);
}

#[cfg(unix)]
#[test]
fn unreadable_file_is_named_and_the_others_searched() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    folder.write("good", "needle");
    let secret = folder.write("secret", "needle");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).unwrap();
    let ended = run(&[OsStr::new("needle"), folder.path().as_os_str()]);
    // Root can read any file.
    let is_root = std::fs::read(&secret).is_ok();
    assert_eq!(ended.status, Some(i32::from(!is_root)), "{ended:?}");
    assert!(ended.stdout.contains("good:1: needle\n"), "{ended:?}");
    assert_eq!(ended.stderr.contains("secret: "), !is_root, "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&[""], "there must be a word");
    refuses(&["word", "no such folder"], "no such folder: ");
    refuses(&["word", ".", "many"], "many is not a number of workers");
    refuses(&["word", ".", "0"], "worker");
    refuses(&["word", ".", "1", "x"], "at most three arguments");
}
