//! A recorder in a folder of its own, and the lines of its trace, checked as a reader would.

use std::path::PathBuf;

use effective_job_trace::{Recorder, Summary};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Recording {
    folder: TempDir,
    pub(crate) recorder: Recorder,
}

impl Recording {
    pub(crate) fn new() -> Recording {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::to_file(folder.path().join("trace.jsonl")).unwrap();
        Recording { folder, recorder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("trace.jsonl")
    }

    /// Ends the recording and returns its tasks.
    pub(crate) fn finish(&self) -> (Summary, Vec<Value>) {
        let summary = self.recorder.finish().unwrap();
        let tasks = self.read();
        assert_eq!(tasks.len() as u64, summary.tasks);
        (summary, tasks)
    }

    /// The tasks of a finished trace.
    pub(crate) fn read(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (first, rest) = lines.split_first().unwrap();
        let (last, tasks) = rest.split_last().unwrap();
        assert_eq!(
            *first,
            "{\"job_trace\":1,\"clock\":\"monotonic\",\"unit\":\"ns\"}"
        );
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(number(&last, "tasks"), tasks.len() as u64, "{last}");
        let checksum = checksum(&lines[..lines.len() - 1]);
        assert_eq!(last["checksum"], format!("{checksum:016x}"));
        let tasks: Vec<Value> = tasks
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for task in &tasks {
            let wall_ns = number(task, "end_ns") - number(task, "start_ns");
            let used_ns = number(task, "cpu_ns") + number(task, "queued_ns");
            assert!(used_ns <= wall_ns, "{task}");
        }
        tasks
    }
}

#[track_caller]
pub(crate) fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no `{key}` in {value}"))
}

/// The number of tasks with this outcome.
pub(crate) fn count(tasks: &[Value], outcome: &str) -> usize {
    tasks
        .iter()
        .filter(|task| task["outcome"] == outcome)
        .count()
}

/// As the page on recording defines it.
fn checksum(lines: &[&str]) -> u64 {
    let of_line = |line: &&str| {
        line.as_bytes()
            .chunks(8)
            .fold(0xcbf2_9ce4_8422_2325_u64, |checksum, word| {
                let value = word
                    .iter()
                    .rev()
                    .fold(0, |value, byte| value << 8 | u64::from(*byte));
                (checksum ^ value).wrapping_mul(0x0100_0000_01b3)
            })
    };
    lines.iter().map(of_line).fold(0, u64::wrapping_add)
}
