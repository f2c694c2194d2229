//! Paths that name special files or are not UTF-8: a one-line error or a comparison, never a hang,
//! a panic or a loss.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::{Comparison, TINY};

fn fifo(comparison: &Comparison, name: &str) -> PathBuf {
    let path = comparison.path(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    path
}

fn is_fifo(path: &Path) -> bool {
    let found = fs::symlink_metadata(path).expect("it is there");
    found.file_type().is_fifo()
}

/// As root, a rename could replace a device by a regular file.
#[test]
fn results_never_replace_a_special_link_target() {
    for (target, what) in [
        ("fifo", "a FIFO"),
        ("socket", "a socket"),
        ("nothing", "a symbolic link to nothing"),
    ] {
        let comparison = Comparison::tiny();
        let fifo = fifo(&comparison, "fifo");
        let _socket = UnixListener::bind(comparison.path("socket")).expect("a socket");
        let output = comparison.path("output");
        fs::create_dir(&output).expect("a folder");
        let link = output.join("results.json");
        symlink(Path::new("..").join(target), &link).expect("a link");
        let finished = comparison.output(output.into_os_string()).run();
        finished.refused(&["results.json", what, "--output DIR"]);
        assert!(is_fifo(&fifo));
        let found = fs::symlink_metadata(&link).expect("the link");
        assert!(found.is_symlink(), "{what}");
    }
}

#[test]
fn kept_inputs_never_replace_a_special_link_target() {
    let comparison = Comparison::tiny();
    let fifo = fifo(&comparison, "fifo");
    let link = comparison.path("link");
    symlink("fifo", &link).expect("a link");
    let finished = comparison
        .args(["--inputs".into(), link.clone().into_os_string()])
        .run();
    finished.refused(&["link", "a FIFO", "--inputs FILE"]);
    assert!(is_fifo(&fifo));
    let found = fs::symlink_metadata(&link).expect("the link");
    assert!(found.is_symlink());
}

#[test]
fn reading_never_waits_for_a_fifo_or_an_endless_file() {
    for flag in ["--baseline", "--workload-file"] {
        let comparison = Comparison::tiny();
        let fifo = fifo(&comparison, "fifo");
        let finished = comparison.args([flag.into(), fifo.into_os_string()]).run();
        finished.refused(&["fifo", "it is a FIFO, not a regular file"]);
        // A link, so that the name belongs to this test.
        let comparison = Comparison::tiny();
        let link = comparison.path("link");
        symlink("/dev/zero", &link).expect("a link");
        let finished = comparison.args([flag.into(), link.into_os_string()]).run();
        finished.refused(&["link", "it is a device, not a regular file"]);
    }
    let comparison = Comparison::tiny();
    let large = comparison.file("large", "");
    let file = fs::File::options().write(true).open(&large);
    file.and_then(|file| file.set_len(1 << 40)).expect("sparse");
    let comparison = comparison.args(["--baseline".into(), large.into_os_string()]);
    comparison
        .run()
        .refused(&["large", "it is larger than 64 MiB"]);
}

#[test]
fn paths_that_are_not_utf8_work() {
    let odd = |comparison: &Comparison, name: &str| {
        comparison
            .path("")
            .join(OsString::from_vec([name.as_bytes(), b"\xff"].concat()))
    };
    let comparison = Comparison::new();
    let (workload, inputs) = (odd(&comparison, "workload"), odd(&comparison, "inputs"));
    fs::write(&workload, TINY).expect("a file");
    let finished = comparison
        .args(["--model", "sequential", "--iterations-per-us", "100"])
        .args(["--budget", "0s"])
        .args(["--workload-file".into(), workload.into_os_string()])
        .args(["--inputs".into(), inputs.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(inputs.is_file());

    let comparison = Comparison::tiny();
    let baseline = odd(&comparison, "baseline");
    fs::copy(&finished.results, &baseline).expect("a copy");
    let finished = comparison
        .args(["--baseline".into(), baseline.into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("Against the earlier comparison"));
}
