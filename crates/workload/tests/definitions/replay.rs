//! The table `[replay]`: the trace it names, and the inputs that are drawn from it.

use std::path::Path;

use workload::definition::{DefinitionError, load, of_trace};
use workload::inputs::{Inputs, Step, make, read_from, write};

use crate::support::{assert_is_one_line, assert_refused, recorded, trace};

const REPLAY: &str = "name = \"orders\"\npattern = \"map\"\n[replay]\nfile = \"orders.jsonl\"\n";

/// Loads this definition from a folder that has this trace.
fn loaded(
    definition: &str,
    trace: &str,
) -> Result<workload::definition::Definition, DefinitionError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("orders.jsonl"), trace).expect("a file");
    let path = folder.path().join("replay.toml");
    std::fs::write(&path, definition).expect("a file");
    load(&path).inspect_err(|error| assert_is_one_line(&error.to_string()))
}

/// A trace in which tasks that wait long compute much.
fn correlated() -> String {
    let lines: Vec<String> = (1..=50)
        .map(|size| recorded(size * 110_000, size * 10_000, 0, 1))
        .collect();
    trace(&lines)
}

#[test]
fn replayed_tasks_are_ordinary_steps_of_one_recorded_task() {
    let definition = loaded(REPLAY, &correlated()).unwrap();
    assert_eq!(definition.tasks, 50, "as many as were recorded");
    let inputs = make(&definition, 1_000);
    assert_eq!(inputs.header.actions, ["compute", "wait"]);
    for task in &inputs.tasks {
        let [
            Step::Compute { iterations: one },
            Step::Wait { ns },
            Step::Compute { iterations: two },
        ] = task.steps[..]
        else {
            panic!("{task:?}");
        };
        assert_eq!(
            ns,
            (one + two) * 10,
            "waits and computes of different tasks: {task:?}"
        );
    }
    let waits = |inputs: &Inputs| -> Vec<u64> {
        inputs
            .tasks
            .iter()
            .map(workload::inputs::Task::waiting_ns)
            .collect()
    };
    assert_eq!(
        waits(&make(&definition, 1)),
        waits(&inputs),
        "the seed decides"
    );
    let other = workload::definition::Definition {
        seed: 1,
        ..definition
    };
    assert_ne!(waits(&make(&other, 1)), waits(&inputs));

    let mut file = Vec::new();
    write(&inputs, &mut file).unwrap();
    assert_eq!(
        read_from(&file[..], Path::new("inputs.jsonl")).unwrap(),
        inputs
    );
}

#[test]
fn number_of_tasks_can_be_chosen() {
    let tasks = |count: &str| {
        loaded(
            &REPLAY.replace("[replay]", &format!("tasks = {count}\n[replay]")),
            &correlated(),
        )
    };
    assert_eq!(tasks("7").unwrap().tasks, 7);
    assert_eq!(tasks("5_000").unwrap().tasks, 5_000);
    let error = tasks("0").unwrap_err().to_string();
    assert!(error.contains("replay.toml:3:9: `tasks` is 0"), "{error}");
    let waiting = trace(&[recorded(900_000_000, 0, 0, 500)]);
    let many = REPLAY.replace("[replay]", "tasks = 10_000_000\n[replay]");
    let error = loaded(&many, &waiting).unwrap_err().to_string();
    assert!(
        error.contains("up to 33 steps") && error.contains("1_515_151 tasks"),
        "{error}"
    );
}

#[test]
fn every_pattern_of_independent_tasks_can_replay() {
    for pattern in ["map", "fold", "rounds", "serve"] {
        let text = REPLAY.replace("\"map\"", &format!("\"{pattern}\""));
        assert_eq!(
            loaded(&text, &correlated()).unwrap().pattern.name(),
            pattern
        );
    }
    for pattern in ["pipeline", "merge"] {
        let text = REPLAY.replace("\"map\"", &format!("\"{pattern}\""));
        let error = loaded(&text, &correlated()).unwrap_err().to_string();
        assert!(
            error.contains("replay.toml:3:2: `replay` is not allowed with"),
            "{error}"
        );
    }
}

#[test]
fn invalid_table_is_refused() {
    let top = "name = \"orders\"\npattern = \"map\"\n";
    let with = |text: &str| format!("{top}{text}");
    assert_refused(&[
        (
            &with("replay = \"orders.jsonl\"\n"),
            "3:10",
            &["`replay` is", "[replay]"],
        ),
        (
            &with("[replay]\n"),
            "3:1",
            &["`file` is missing", "orders.jsonl"],
        ),
        (
            &with("[replay]\nfil = 3\n"),
            "4:1",
            &["unknown key `fil`", "`file`"],
        ),
        (
            &with("[replay]\nfile = 3\n"),
            "4:8",
            &["`file` is 3", "recorded trace"],
        ),
        (
            &with("[replay]\nfile = \"\"\n"),
            "4:8",
            &["`file` is \"\"", "recorded trace"],
        ),
        (
            &with("[replay]\nfile = \"a\\u0000\"\n"),
            "4:8",
            &["recorded trace"],
        ),
        (REPLAY, "4:8", &["not in a file", "save the definition"]),
        (
            &format!("{REPLAY}[[step]]\nwait = \"1ms\"\n"),
            "5:3",
            &["both `step` and `replay`", "keep one"],
        ),
    ]);
}

#[test]
fn unreadable_trace_is_refused() {
    let missing = REPLAY.replace("orders.jsonl", "missing.jsonl");
    let error = loaded(&missing, "").unwrap_err().to_string();
    assert!(
        error.contains("replay.toml:4:8: `file` is \"missing.jsonl\": cannot read"),
        "{error}"
    );
    for special in [".", "/dev/zero"] {
        let text = REPLAY.replace("orders.jsonl", special);
        let error = loaded(&text, "").unwrap_err().to_string();
        assert!(
            error.contains("replay.toml:4:8: ") && error.contains("regular file"),
            "{error}"
        );
    }
    let cut = correlated().replace("{\"tasks\":50}\n", "");
    let error = loaded(REPLAY, &cut).unwrap_err().to_string();
    assert!(
        error.contains("orders.jsonl: the trace ends after 50 tasks"),
        "{error}"
    );
}

#[test]
fn trace_by_itself_is_a_workload() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (file, name) in [("orders.jsonl", "orders"), ("My Orders.jsonl", "replay")] {
        let path = folder.path().join(file);
        std::fs::write(&path, correlated()).expect("a file");
        let definition = of_trace(&path).unwrap();
        assert_eq!((definition.name.as_str(), definition.tasks), (name, 50));
    }
    let error = of_trace(&folder.path().join("missing.jsonl"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing.jsonl: cannot read it: "), "{error}");
}
