//! Definition files: their paths, sizes and programs.

use std::path::Path;

use workload::definition::{load, load_with_programs};

use crate::support::{assert_is_one_line, good, orders};

#[test]
fn errors_name_the_loaded_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("orders.toml");
    std::fs::write(&path, orders()).expect("the folder can be written");
    assert_eq!(load(&path).as_ref(), Ok(&good(orders())));

    std::fs::write(&path, "nam = 3").expect("the folder can be written");
    let error = load(&path).expect_err("a wrong key").to_string();
    assert!(
        error.starts_with(&format!("{}:1:1: unknown key `nam`", path.display())),
        "{error}"
    );
}

#[test]
fn unreadable_file_is_a_one_line_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = |path: &Path| {
        let error = load(path).expect_err("nothing to read").to_string();
        assert_is_one_line(&error);
        assert!(error.contains("; "), "no remedy: {error}");
        error
    };
    let missing = folder.path().join("mis\nsing.toml");
    let missing = error(&missing);
    assert!(
        missing.contains("mis\\nsing.toml: cannot read it") && missing.contains("os error"),
        "{missing}"
    );
    assert!(error(folder.path()).contains("cannot read it"));

    let path = folder.path().join("bytes.toml");
    std::fs::write(&path, b"name = \"a\"\nabout = \"caf\xe9\"\n")
        .expect("the folder can be written");
    let bytes = error(&path);
    assert!(
        bytes.contains("bytes.toml:2:13: ") && bytes.contains("UTF-8"),
        "{bytes}"
    );

    std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).expect("the folder can be written");
    assert!(error(&path).contains("larger than 1 MiB"));
    std::fs::write(&path, "").expect("the folder can be written");
    assert!(error(&path).contains("bytes.toml:1:1: the file is empty"));
}

#[cfg(unix)]
#[test]
fn endless_file_is_refused() {
    let error = load(Path::new("/dev/zero"))
        .expect_err("no definition")
        .to_string();
    assert!(error.contains("larger than 1 MiB"), "{error}");
}

#[test]
fn missing_program_is_reported_with_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("orders.toml");
    std::fs::write(&path, orders()).expect("the folder can be written");
    assert!(load_with_programs(&path, |program| program == "sha256sum").is_ok());

    let line = orders()
        .lines()
        .position(|line| line.starts_with("exec"))
        .expect("a program")
        + 1;
    let error = load_with_programs(&path, |_| false)
        .expect_err("no program exists")
        .to_string();
    assert!(
        error.contains(&format!("orders.toml:{line}:9: `exec` is \"sha256sum\"")),
        "{error}"
    );
    assert!(
        error.contains("no such program") && error.contains("install it"),
        "{error}"
    );
}
