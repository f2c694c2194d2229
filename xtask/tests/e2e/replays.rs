//! Workloads that replay a recorded trace.

use crate::support::Comparison;

const REPLAY: &str =
    "name = \"orders\"\npattern = \"map\"\ntasks = 20\n[replay]\nfile = \"orders.jsonl\"\n";

/// The trace of the parser's fuzz target: one closure and one cancelled future.
const TRACE: &str = include_str!("../../../crates/workload/fuzz/seeds/trace/two.jsonl");

fn comparison(trace: &str) -> Comparison {
    let comparison = Comparison::quick(REPLAY);
    comparison.file("orders.jsonl", trace);
    comparison
}

/// Draws and steps depend on nothing but the seed and the trace.
#[test]
fn replay_gives_equal_inputs_on_every_machine() {
    let comparison = comparison(TRACE);
    let inputs = comparison.path("inputs.jsonl");
    let finished = comparison
        .args(["--inputs".into(), inputs.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    let results = finished.results();
    assert_eq!(results.workloads[0].digest, "6fcb229c10096233");
    assert!(results.cells[0].verified, "{:?}", results.cells[0]);
    let inputs = std::fs::read_to_string(inputs).expect("the inputs are kept");
    assert_eq!(inputs.lines().count(), 21);
    assert!(
        !inputs.contains("orders.jsonl"),
        "the inputs stand alone: {inputs}"
    );
}

#[test]
fn trace_that_is_cut_off_or_edited_is_refused() {
    let cut = &TRACE[..TRACE.len() - 12];
    comparison(cut)
        .run()
        .refused(&["orders.jsonl", "`Recorder::finish`"]);
    let edited = TRACE.replace("\"tasks\":2", "\"tasks\":3");
    comparison(&edited)
        .run()
        .refused(&["orders.jsonl:4:1", "counts 3 tasks"]);
    let edited = TRACE.replace("\"cpu_ns\":900", "\"cpu_ns\":9000");
    comparison(&edited)
        .run()
        .refused(&["orders.jsonl:2:1", "CPU time"]);
    comparison("").run().refused(&["orders.jsonl", "empty"]);
    Comparison::quick(REPLAY)
        .run()
        .refused(&["workload.toml:5:8", "orders.jsonl"]);
}
