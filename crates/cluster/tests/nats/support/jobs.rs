//! The jobs that the tests run, and the program of the worker processes.

use std::env;
use std::fs;
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use effective_cluster::{Jobs, Retry, job, register};

job! {
    pub(crate) fn double(number: u64) -> u64 { 2 * number }

    pub(crate) fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }

    pub(crate) fn fail(message: String) -> u64 { panic!("{message}") }

    pub(crate) fn echo(bytes: Vec<u8>) -> Vec<u8> { bytes }

    pub(crate) fn size(bytes: Vec<u8>) -> usize { bytes.len() }

    pub(crate) fn process_id() -> u32 { std::process::id() }

    /// Appends a line to a file, so that a test can count attempts, and waits.
    pub(crate) fn note(file: String, line: String, milliseconds: u64) -> u32 {
        append(&file, &line);
        thread::sleep(Duration::from_millis(milliseconds));
        std::process::id()
    }

    /// Ends the process of its worker.
    pub(crate) fn die(file: String) -> u32 {
        append(&file, "began");
        // An attempt counts after a moment: see the limits in the README. A busy machine may take
        // longer for it, and heartbeats tell it as well.
        thread::sleep(ACK_WAIT / 2);
        std::process::abort()
    }

    /// Fails in the first attempt, and ends the process of its worker at once in the others.
    pub(crate) fn fail_then_die(file: String) -> u32 {
        append(&file, "began");
        assert!(lines(file.as_ref()).len() > 1, "the first attempt");
        std::process::abort()
    }

    /// Appends a line to a file, and returns this number of bytes.
    pub(crate) fn fill(file: String, count: usize) -> Vec<u8> {
        append(&file, "began");
        vec![7; count]
    }

    pub(crate) fn unknown_to_workers(number: u64) -> u64 { number }
}

fn append(file: &str, line: &str) {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(file).unwrap();
    writeln!(file, "{line}").unwrap();
}

/// The lines that jobs have written.
pub(crate) fn lines(file: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

pub(crate) fn jobs() -> Jobs {
    register![
        double,
        nap,
        fail,
        echo,
        size,
        process_id,
        note,
        die,
        fail_then_die,
        fill
    ]
}

pub(crate) fn attempts(number: u32) -> Retry {
    Retry::new(NonZeroU32::new(number).unwrap())
}

/// The time after which a silent worker is taken for dead, in the tests.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(1);

/// The variable that makes a test binary a worker.
pub(crate) const WORKER: &str = "CLUSTER_TEST_WORKER";

/// Works if this process was started as a worker.
pub(crate) fn work_if_asked() {
    let Ok(url) = env::var(WORKER) else {
        return;
    };
    let slots = env::var("CLUSTER_TEST_SLOTS").map_or(2, |slots| slots.parse().unwrap());
    let ended = effective_cluster::worker(&jobs())
        .server(url)
        .slots(slots)
        .ack_wait(ACK_WAIT)
        .run();
    // Not through libtest, which would wait for its own threads.
    std::process::exit(if ended.is_ok() { 0 } else { 1 });
}
