//! `--trace FILE`: the timelines of a comparison as a trace, and what may be at that path.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::program::xtask;
use crate::support::{Comparison, TINY, WORK, cell, wait_until};

/// The events of a trace with this name.
fn named(trace: &Value, name: &str) -> Vec<Value> {
    let events = trace["traceEvents"].as_array().expect("events");
    let named = events.iter().filter(|event| event["name"] == name);
    named.cloned().collect()
}

#[test]
fn trace_has_a_process_per_cell_and_an_event_per_task() {
    let comparison = Comparison::tiny();
    let path = comparison.path("trace.json");
    let finished = comparison
        .args(["--model", "threads", "--trace"])
        .args([path.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    let results = finished.results();
    for model in ["sequential", "threads"] {
        let timeline = cell(&results, model).timeline.as_ref();
        assert_eq!(timeline.expect("a timeline").tasks, 5);
    }
    let text = fs::read_to_string(&path).expect("the trace");
    let trace: Value = serde_json::from_str(&text).expect("JSON");
    let processes = named(&trace, "process_name");
    let names: Vec<&str> = processes
        .iter()
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(names, ["tiny · sequential", "tiny · threads"]);
    assert_eq!(named(&trace, "task").len(), 10);
    assert!(
        finished
            .stderr
            .contains("trace.json: the timelines of 2 of 2 cells"),
        "{}",
        finished.stderr
    );
    finished.nothing_left();
    // From the results alone, the same.
    let again = path.with_file_name("again.json");
    let report = xtask()
        .arg("report")
        .arg(&finished.results)
        .arg("--trace")
        .arg(&again)
        .output()
        .expect("it starts");
    assert!(report.status.success(), "{report:?}");
    assert_eq!(fs::read_to_string(&again).expect("the trace"), text);
}

#[test]
fn path_that_cannot_take_the_trace_is_refused() {
    let folder = Comparison::new();
    for path in [folder.path(""), folder.path("no/such/folder/trace.json")] {
        let name = path.display().to_string();
        let comparison = Comparison::tiny().args(["--trace".into(), path.into_os_string()]);
        let name = name.trim_end_matches('/');
        let finished = comparison.run();
        finished.refused(&[name, "cannot be written", "--trace FILE"]);
    }
}

/// Eight seconds a sample, of which there is none in the results.
const SLOW: &str = "name = \"slow\"\npattern = \"map\"\ntasks = 8\n[[step]]\nwait = \"1s\"\n";

#[test]
fn interrupted_comparison_leaves_a_trace() {
    let comparison = Comparison::quick(TINY);
    let slow = comparison.file("slow.toml", SLOW);
    let path = comparison.file("trace.json", "precious");
    let running = comparison
        .args(["--workload-file".into(), slow.into_os_string()])
        .args(["--trace".into(), path.clone().into_os_string()])
        .start();
    let inputs = running
        .comparison()
        .path(&format!("out/{WORK}/slow-8.jsonl"));
    wait_until("the inputs", || inputs.exists());
    assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.code(), 130, "{}", finished.stderr);
    let text = fs::read_to_string(&path).expect("the trace");
    let trace: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(named(&trace, "task").len(), 5);
    finished.nothing_left();
}
