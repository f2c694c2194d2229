//! A contestant in another language, written from `docs/protocol.md` alone: the page says enough,
//! and what it says is what the code does.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use workload::definition::Pattern;
use workload::inputs::{self, Step, Task};
use workload::kernels::{self, Call};
use workload::model::{Batch, Model};
use workload::protocol::{Reply, Request};
use workload::sequential::Sequential;
use workload::task::{Growth, Lines, Log, Merge, Surroundings, compute, run_blocking};
use workload::value::{bytes, digest_bytes, digest_outputs, mix, task_seed};

const PAGE: &str = include_str!("../../docs/protocol.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the workspace")
        .to_path_buf()
}

fn has_python() -> bool {
    Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Compares `docs/runner.py` with `sequential` on these workloads; the exit status and the results.
fn compare_python(definitions: &[&str]) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("output");
    let mut command = program::xtask();
    command
        .args(["compare", "--model", "sequential", "--model", "python"])
        .args(["--runner", "python=python3 docs/runner.py"])
        .args(["--budget", "0s", "--iterations-per-us", "1"])
        // Else there is a second row where the tasks wait.
        .args(["--workers", "2"])
        .arg("--output")
        .arg(&output)
        .current_dir(root())
        // The lock between comparisons lies in there, and another test may hold the machine's.
        .env("TMPDIR", folder.path());
    for (place, definition) in definitions.iter().enumerate() {
        let file = folder.path().join(format!("{place}.toml"));
        fs::write(&file, definition).expect("a file");
        command.arg("--workload-file").arg(file);
    }
    let ended = command.output().expect("xtask starts");
    let text = fs::read(output.join("results.json")).unwrap_or_else(|error| {
        panic!(
            "no results: {error}\n{}",
            String::from_utf8_lossy(&ended.stderr)
        )
    });
    let results = serde_json::from_slice(&text).expect("JSON");
    (ended.status.code(), results)
}

fn of_python<'r>(results: &'r Value, list: &str) -> Vec<&'r Value> {
    results[list]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["model"] == "python")
        .collect()
}

#[test]
fn a_contestant_in_python_is_verified_on_all_that_it_supports() {
    if !has_python() {
        println!("skipped: there is no python3 here");
        return;
    }
    let definition = |name: &str, steps: &str| {
        format!("name = \"{name}\"\npattern = \"map\"\ntasks = 3\n{steps}")
    };
    let definitions = [
        definition("wait", "[[step]]\nwait = \"2ms\"\n"),
        definition("compute", "[[step]]\ncompute = \"100us\"\n"),
        definition("gcd", "[[step]]\nkernel = \"gcd\"\n"),
        definition("mandelbrot", "[[step]]\nkernel = \"mandelbrot\"\n"),
        definition(
            "mixed",
            "[[step]]\ncompute = \"10us\"\n[[step]]\nwait = \"1ms\"\n[[step]]\nkernel = \"mandelbrot\"\n",
        ),
    ];
    let (status, results) = compare_python(&definitions.each_ref().map(String::as_str));
    let cells = of_python(&results, "cells");
    assert_eq!(cells.len(), definitions.len(), "{results:#}");
    for cell in cells {
        assert_eq!(cell["error"], Value::Null, "{cell:#}");
        assert_eq!(cell["verified"], true, "{cell:#}");
        assert!(cell["wall_ns"]["median"].as_f64() > Some(0.0), "{cell:#}");
    }
    assert_eq!(status, Some(0));
}

#[test]
fn unsupported_workload_is_a_skipped_row_and_no_error() {
    if !has_python() {
        println!("skipped: there is no python3 here");
        return;
    }
    let (status, results) = compare_python(&[
        "name = \"reads\"\npattern = \"map\"\ntasks = 3\n[[step]]\nread = \"1KiB\"\n",
        "name = \"adds\"\npattern = \"fold\"\ntasks = 3\n[[step]]\nwait = \"1ms\"\n",
    ]);
    let reasons: Vec<&str> = of_python(&results, "skipped")
        .iter()
        .filter_map(|skipped| skipped["reason"].as_str())
        .collect();
    assert_eq!(reasons.len(), 2, "{results:#}");
    assert!(reasons[0].contains("no step `read`"), "{}", reasons[0]);
    assert!(reasons[1].contains("no pattern but map"), "{}", reasons[1]);
    assert_eq!(status, Some(0));
}

#[track_caller]
fn page_says(row: &str) {
    assert!(
        PAGE.lines().any(|line| line == row),
        "docs/protocol.md lacks: {row}"
    );
}

fn spaced(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

#[test]
fn the_test_vectors_of_the_page_are_those_of_the_code() {
    for value in [0, 1, u64::MAX] {
        let name = if value == u64::MAX {
            format!("{value:x}")
        } else {
            value.to_string()
        };
        page_says(&format!("| `mix({name})` | `{:016x}` |", mix(value)));
    }
    for seed in [0, 42] {
        page_says(&format!(
            "| `bytes({seed}, 12)` | `{}` |",
            spaced(&bytes(seed, 12))
        ));
    }
    page_says(&format!(
        "| `digest(\"abc\")` | `{:016x}` |",
        digest_bytes(&[b"abc"])
    ));
    let seeds = [0, 1, 2].map(|index| task_seed(0, index));
    page_says(&format!(
        "| seeds of tasks 0, 1, 2, workload seed 0 | `{:016x}` `{:016x}` `{:016x}` |",
        seeds[0], seeds[1], seeds[2]
    ));
    page_says(&format!(
        "| `compute` from 1, 1 iteration | `{:016x}` |",
        compute(1, 1)
    ));
    page_says(&format!(
        "| `compute` from 1, 2 iterations | `{:016x}` |",
        compute(1, 2)
    ));
    page_says(&format!(
        "| `compute` from `{:016x}`, 1000 iterations | `{:016x}` |",
        seeds[0],
        compute(seeds[0], 1000)
    ));
    page_says(&format!(
        "| `compute` from 0, 1000 iterations | `{:016x}` |",
        compute(0, 1000)
    ));
    let kernel = |name: &str, index, tasks, value| {
        (kernels::find(name).expect("a kernel").run)(Call {
            index,
            tasks,
            value,
            snapshot: &[],
        })
    };
    page_says(&format!(
        "| `gcd` with value `{:016x}` | draws 1006524 and 1007012, returns {} |",
        seeds[0],
        kernel("gcd", 0, 1, seeds[0])
    ));
    page_says(&format!(
        "| `mandelbrot`, index 0 of 3 | {} |",
        kernel("mandelbrot", 0, 3, 0)
    ));
    page_says(&format!(
        "| `mandelbrot`, index 80 of 160 | {} |",
        kernel("mandelbrot", 80, 160, 0)
    ));

    let outputs = seeds.map(|seed| compute(seed, 1000));
    let digest = digest_outputs(outputs);
    page_says(&format!(
        "Its outputs are `{:016x}`, `{:016x}`, `{:016x}`, and its digest is `{digest:016x}`.",
        outputs[0], outputs[1], outputs[2]
    ));
}

/// The lines of the page's blocks of this kind.
fn block_lines(kind: &str) -> impl Iterator<Item = &'static str> {
    let begin = format!("```{kind}\n");
    let blocks: Vec<&str> = PAGE
        .split(begin.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    blocks.into_iter().flat_map(str::lines)
}

/// Written again, each line is as it stands there: no field is missing, and none has another name.
#[test]
fn the_requests_and_replies_of_the_page_are_those_of_the_code() {
    let mut seen = 0;
    for line in block_lines("json") {
        let again = if line.starts_with("{\"request\"") {
            let request: Request = serde_json::from_str(line).expect(line);
            serde_json::to_string(&request)
        } else if line.starts_with("{\"reply\"") {
            let reply: Reply = serde_json::from_str(line).expect(line);
            serde_json::to_string(&reply)
        } else {
            continue;
        };
        assert_eq!(again.expect("JSON"), line);
        seen += 1;
    }
    assert_eq!(seen, 11, "lines of a session");
}

#[test]
fn the_whole_workload_of_the_page_has_its_digest() {
    let lines: Vec<&str> = block_lines("json")
        .filter(|line| line.starts_with("{\"workload\"") || line.starts_with("{\"index\""))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("small.jsonl");
    fs::write(&path, lines.join("\n")).expect("a file");
    let inputs = inputs::read(&path).expect("inputs");
    let mut again = Vec::new();
    inputs::write(&inputs, &mut again).expect("room");
    assert_eq!(
        String::from_utf8(again).expect("UTF-8").trim_end(),
        lines.join("\n")
    );

    let digest = |inputs| {
        let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
        let outputs = Sequential.run(&mut (), &batch);
        digest_outputs(outputs.into_iter().map(|output| output.expect("an output")))
    };
    let mut counted = inputs.clone();
    counted.header.pattern = Pattern::Histogram { keys: 1000 };
    let (digest, counts) = (digest(inputs), digest(counted));
    assert!(PAGE.contains(&format!("and its digest is `{digest:016x}`")));
    assert!(PAGE.contains(&format!("and the digest `{counts:016x}`")));
}

/// Two logs as the server writes them, and their merge.
#[test]
fn the_logs_of_the_page_are_those_of_the_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = |seed: u64| {
        let path = folder.path().join(seed.to_string());
        let (bytes, over_ns) = (64, 0);
        let log = Log {
            bytes,
            over_ns,
            seed,
        };
        let mut growth = Growth::begin(log, &path).expect("a log");
        while growth.grow().expect("room").is_some() {}
        fs::read_to_string(path).expect("a log")
    };
    let asked = Log {
        bytes: 64,
        over_ns: 1_000_000,
        seed: 42,
    };
    let request = String::from_utf8(asked.request()).expect("UTF-8");
    let shown = format!("```text\n{}```", request.replace("\r\n", "\n"));
    assert!(PAGE.contains(&shown), "docs/protocol.md lacks: {shown}");
    let lines = written(42);
    page_says(&format!(
        "| the log of 64 bytes from 42 | `{}` |",
        lines.replace('\n', "\\n")
    ));

    let merge = Merge::new(2);
    let mut outputs = Vec::new();
    for index in 0..2 {
        let seed = task_seed(0, index);
        let log = written(seed);
        merge.feed(index as usize, log.as_bytes(), true);
        outputs.push(mix(seed ^ digest_bytes(&[log.as_bytes()])));
    }
    outputs.push(merge.digest().expect("both have ended"));
    page_says(&format!(
        "| `merge` of tasks 0 and 1, seed 0, a `tail` of 64 bytes each | `{:016x}` `{:016x}` `{:016x}`, digest `{:016x}` |",
        outputs[0],
        outputs[1],
        outputs[2],
        digest_outputs(outputs.iter().copied())
    ));
}

/// The task with every kind of step but `tail`, as far as a test without a server can follow it.
#[test]
fn the_worked_task_of_the_page_has_the_values_of_the_code() {
    if which::which("sha256sum").is_err() {
        println!("skipped: there is no sha256sum here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("0"), bytes(task_seed(0, 0), 12)).expect("a file");
    let surroundings = Surroundings {
        files: folder.path().to_owned(),
        origin: None,
        ..Surroundings::default()
    };
    // After the compute step a task goes on from 8f56…: what the server would send follows from
    // that.
    let computed = compute(task_seed(0, 0), 10_000);
    page_says(&format!("| `compute` | | `{computed:016x}` |"));
    let body = bytes(computed, 16);
    let fetched = mix(computed ^ digest_bytes(&[&body]));
    page_says(&format!(
        "| `fetch` | `{}` | `{fetched:016x}` |",
        spaced(&body)
    ));

    let exec = |program: &str| Step::Exec {
        command: vec![program.to_owned()],
        timeout_ns: None,
    };
    let read = Step::Read {
        file: "0".to_owned(),
        bytes: 12,
    };
    let kernel = |name| Step::Kernel(kernels::find(name).expect("a kernel"));
    let value = |steps: Vec<Step>| {
        let task = Task {
            index: 0,
            seed: fetched,
            steps,
            stages: Vec::new(),
        };
        run_blocking(&task, 3, &[], &surroundings).expect("a value")
    };
    let mut steps = vec![read];
    page_says(&format!(
        "| `read` | the 12 bytes above | `{:016x}` |",
        value(steps.clone())
    ));
    for (step, row) in [
        (
            exec("sha256sum"),
            "| `exec` `sha256sum` | code 0, `34516df2fda81a651fb6d07f5a56861ad26bce9db2b60b23b3ccb89d030af418  -\\n` |",
        ),
        (exec("false"), "| `exec` `false` | code 1, nothing |"),
        (
            kernel("gcd"),
            "| `kernel` `gcd` | draws 1001043 and 1006075, returns 1 |",
        ),
        (
            kernel("mandelbrot"),
            "| `kernel` `mandelbrot` | index 0 of 3: 4890 |",
        ),
    ] {
        steps.push(step);
        page_says(&format!("{row} `{:016x}` |", value(steps.clone())));
    }
}
