//! Programs that were written a moment ago: as long as any process has the file open for writing, the
//! system refuses to start it.

mod support;

use std::fs::{self, File};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use effective_child_process::{Command, Error, Many};
use support::{sh, within};

const LIMIT: Duration = Duration::from_secs(60);

fn script(path: &Path) -> File {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o755);
    let mut file = options.open(path).unwrap();
    file.write_all(b"#!/bin/sh\nexit 0\n").unwrap();
    file
}

fn with_a_folder(test: impl FnOnce(PathBuf) + Send + 'static) {
    within(LIMIT, || {
        let folder = PathBuf::from(sh("mktemp -d").read().unwrap());
        test(folder.clone());
        fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn scripts_written_while_others_start_are_started() {
    with_a_folder(|folder| {
        // The other children of the list hold a script open between their `fork` and `execve`.
        let commands = (0..300).map(|n| {
            let path = folder.join(n.to_string());
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
fn program_open_for_writing_is_started_once_it_is_closed() {
    with_a_folder(|folder| {
        let path = folder.join("script");
        let file = script(&path);
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(file);
        });
        assert!(Command::new(&path).run().unwrap().success());
        writer.join().unwrap();
    });
}

#[test]
fn program_that_stays_open_for_writing_is_refused() {
    with_a_folder(|folder| {
        let path = folder.join("script");
        let file = script(&path);
        let error = Command::new(&path).run().unwrap_err();
        assert!(matches!(error, Error::Start { .. }), "{error}");
        assert!(
            error.to_string().contains("still writing the file"),
            "{error}"
        );
        drop(file);
    });
}
