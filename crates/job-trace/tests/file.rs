//! The file of a trace: errors of writes, ends without `finish`, and forked processes.

#![cfg(target_os = "linux")]

mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::thread;

use effective_job_trace::{Recorder, Summary};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, mkfifo};
use support::{Recording, count};

#[test]
fn full_device_is_an_error_that_names_the_path() {
    let error = Recorder::to_file("/dev/full").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(
        error
            .to_string()
            .starts_with("/dev/full: cannot record here: "),
        "{error}"
    );
}

#[test]
fn missing_folder_is_an_error_that_names_the_path() {
    let error = Recorder::to_file("/nonexistent/trace.jsonl").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(
        error.to_string().starts_with("/nonexistent/trace.jsonl: "),
        "{error}"
    );
}

/// A file that takes no more after its first line.
fn refusing() -> (tempfile::TempDir, Recorder) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let reader = thread::spawn({
        let path = path.clone();
        move || {
            let mut line = String::new();
            BufReader::new(File::open(path).unwrap())
                .read_line(&mut line)
                .unwrap();
            line
        }
    });
    let recorder = Recorder::to_file(path).unwrap();
    assert!(reader.join().unwrap().contains("job_trace"));
    (folder, recorder)
}

#[test]
fn error_of_a_write_turns_off_and_is_reported_once() {
    let (_folder, recorder) = refusing();
    for _ in 0..10_000 {
        recorder.task(|| ());
    }
    assert!(!recorder.is_on(), "off since the first batch");
    let error = recorder.finish().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert!(
        error
            .to_string()
            .contains("fifo: the trace is incomplete: "),
        "{error}"
    );
    assert_eq!(recorder.finish().unwrap(), Summary::default());
}

#[test]
fn error_of_the_last_write_is_returned_too() {
    let (_folder, recorder) = refusing();
    recorder.task(|| ());
    assert!(recorder.is_on());
    assert_eq!(
        recorder.finish().unwrap_err().kind(),
        std::io::ErrorKind::BrokenPipe
    );
}

#[test]
fn last_clone_that_is_dropped_ends_the_recording() {
    let mut recording = Recording::new();
    let recorder = recording.recorder.clone();
    thread::spawn(move || recorder.task(|| ())).join().unwrap();
    recording.recorder = Recorder::off();
    assert_eq!(count(&recording.read(), "done"), 1);
}

#[test]
fn forked_child_writes_nothing() {
    let recording = Recording::new();
    recording.recorder.task(|| ());
    // SAFETY: the child runs only what this crate allows after a fork: tasks, `finish`, drops.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            for _ in 0..1_000 {
                recording.recorder.task(|| ());
            }
            let finished = recording
                .recorder
                .finish()
                .is_ok_and(|summary| summary.tasks == 0);
            // Without the destructors of the test's own folder.
            std::process::exit(i32::from(!finished));
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        }
    }
    assert_eq!(recording.finish().0.tasks, 1);
}

const CHILD: &str = "JOB_TRACE_TEST_CHILD";

/// In the child: records where the variable says, and ends without a word.
#[test]
fn variable_turns_the_recorder_on() {
    if std::env::var_os(CHILD).is_some() {
        let recorder = Recorder::from_env(CHILD).unwrap();
        recorder.task(|| ());
        assert!(recorder.is_on());
        // Without a destructor: as a program that is killed.
        std::process::abort();
    }
    assert!(!Recorder::from_env(CHILD).unwrap().is_on());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "variable_turns_the_recorder_on"])
        .env(CHILD, &path)
        .current_dir(folder.path())
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
    let text = std::fs::read_to_string(path).unwrap();
    assert!(
        text.contains("job_trace") && !text.contains("\"tasks\""),
        "no last line: {text}"
    );
}
