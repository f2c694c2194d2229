//! Programs that were written a moment ago. While any process has the file open for writing, the
//! system refuses to execute it (`ETXTBSY`).

mod support;

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use effective_child_process::{Command, Error, Many};
use support::temp_dir::TempDir;
use support::within;

const LIMIT: Duration = Duration::from_secs(60);

/// Writes a script and returns the file, which is still open.
fn script(path: &Path) -> File {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o755);
    let mut file = options.open(path).unwrap();
    file.write_all(b"#!/bin/sh\nexit 0\n").unwrap();
    file
}

#[test]
fn scripts_written_during_other_starts_run() {
    within(LIMIT, || {
        let dir = TempDir::new();
        // The other children of the list hold a script open between their `fork` and `execve`.
        let commands = (0..300).map(|n| {
            let path = dir.path().join(n.to_string());
            drop(script(&path));
            Command::new(path)
        });
        let results = Many::new()
            .limit(NonZeroUsize::new(8).unwrap())
            .map(commands);
        for result in results {
            assert!(result.unwrap().success());
        }
    });
}

#[test]
fn program_open_for_writing_starts_once_it_is_closed() {
    within(LIMIT, || {
        let dir = TempDir::new();
        // On a busy machine the file may be closed too late for the retries of a start.
        let started = (0..20).any(|n| {
            let path = dir.path().join(n.to_string());
            let file = script(&path);
            let writer = thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                drop(file);
            });
            let result = Command::new(&path).run();
            writer.join().unwrap();
            result.is_ok_and(|finished| finished.success())
        });
        assert!(started);
    });
}

#[test]
fn program_that_stays_open_for_writing_is_refused() {
    within(LIMIT, || {
        let dir = TempDir::new();
        let path = dir.path().join("script");
        let file = script(&path);
        let error = Command::new(&path).run().unwrap_err();
        assert!(matches!(error, Error::Start { .. }), "{error}");
        assert!(error.to_string().contains("open for writing"), "{error}");
        drop(file);
    });
}
