//! The example `hash_tree`, started as a program.

use std::ffi::OsStr;

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/hash_tree.rs"]
mod hash_tree;

use example::{Folder, refuses, run};

/// The digests of no byte, and of `abc` as in FIPS 180-4.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(hash_tree::run);
}

#[test]
fn files_are_listed_by_name_with_their_digests() {
    let folder = Folder::new();
    folder.write("b", "abc");
    folder.write("a/z", "");
    folder.write("a/y", "abc");
    folder.write("c", "");
    let ended = run(&[folder.path().as_os_str(), OsStr::new("3")]);
    let at = folder.path().display();
    let expected =
        format!("{ABC}  {at}/a/y\n{NOTHING}  {at}/a/z\n{ABC}  {at}/b\n{NOTHING}  {at}/c\n");
    assert_eq!(ended.stdout.replace('\\', "/"), expected.replace('\\', "/"));
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn links_are_left_out_and_odd_names_escaped() {
    let folder = Folder::new();
    folder.write("two\nlines", "abc");
    std::os::unix::fs::symlink("two\nlines", folder.path().join("link")).unwrap();
    let ended = run(&[folder.path()]);
    let expected = format!("\\{ABC}  {}/two\\nlines\n", folder.path().display());
    assert_eq!((ended.status, ended.stdout), (Some(0), expected));
}

#[cfg(unix)]
#[test]
fn unreadable_file_is_named_and_the_others_are_hashed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    folder.write("good", "abc");
    let secret = folder.write("secret", "abc");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).unwrap();
    let ended = run(&[folder.path()]);
    // Root can read any file.
    let is_root = std::fs::read(&secret).is_ok();
    assert_eq!(ended.status, Some(i32::from(!is_root)), "{ended:?}");
    assert!(ended.stdout.contains("/good\n"), "{ended:?}");
    assert_eq!(ended.stderr.contains("secret"), !is_root, "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&["no such folder"], "no such folder: ");
    for number in ["0", "-1", "many"] {
        refuses(&[".", number], "is not a number of workers");
    }
    refuses(
        &[".", "1", "surplus"],
        "\"surplus\" is one argument too many",
    );
}
