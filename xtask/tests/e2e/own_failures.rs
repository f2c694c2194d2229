//! Failures of the comparison itself: no model is blamed, and no figure is lost.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use workload::tree::descendants;

use crate::support::{Comparison, Running, TINY, WORK, verified, wait_until};

/// A workload whose samples fetch for a second.
const FETCHES: &str = r#"
name = "fetches"
pattern = "map"
tasks = 20
[[step]]
fetch = "1KiB"
delay = "50ms"
"#;

/// A workload whose samples serve for two seconds.
const SERVED: &str = r#"
name = "served"
pattern = "serve"
tasks = 5
serve.rate = 20
serve.seconds = 2
serve.sessions = 2
[[step]]
wait = "1ms"
"#;

/// Waits until a process of this name runs below the comparison, and sends it a signal while a
/// sample is under way.
fn hit(running: &Running, inputs: &str, name: &str, signal: Signal) {
    let inputs = running.comparison().path(&format!("out/{WORK}/{inputs}"));
    wait_until("the inputs", || inputs.exists());
    let comm = |process: &u32| fs::read_to_string(format!("/proc/{process}/comm"));
    let mut found = None;
    wait_until("the server", || {
        let mut below = descendants(running.pid()).into_iter();
        found = below.find(|process| comm(process).is_ok_and(|comm| comm.trim_end() == name));
        found.is_some()
    });
    sleep(Duration::from_millis(700));
    let process = Pid::from_raw(found.expect("found").cast_signed()).expect("not 0");
    kill_process(process, signal).expect("it is alive");
}

fn no_model_is_blamed(running: Running, words: &str) {
    let finished = running.finish();
    let results = finished.results();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    let blamed: Vec<_> = results
        .cells
        .iter()
        .filter(|cell| cell.error.is_some())
        .collect();
    assert!(blamed.is_empty(), "{blamed:#?}");
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    let warned = |line: &String| line.contains(words) && line.contains("no model is to blame");
    assert!(
        results.warnings.iter().any(warned),
        "{:?}",
        results.warnings
    );
    // The next table has a server again.
    let mut measured = results.cells.iter().filter(|cell| cell.workload == "again");
    assert!(measured.all(|cell| cell.verified), "{results:#?}");
    assert!(results.cells.iter().any(|cell| cell.workload == "again"));
    finished.nothing_left();
}

fn two_tables(text: &str) -> Running {
    let comparison = Comparison::quick(text).budget("30s");
    let name = text.lines().nth(1).expect("a name").to_owned();
    let quick = text
        .replace(&name, "name = \"again\"")
        .replace("tasks = 20", "tasks = 2")
        .replace("seconds = 2", "seconds = 0.1");
    let again = comparison.file("again.toml", &quick);
    comparison
        .args(["--model", "threads"])
        .args(["--workload-file".into(), again.into_os_string()])
        .start()
}

#[test]
fn origin_that_is_killed_is_no_model_s_fault() {
    let running = two_tables(FETCHES);
    hit(&running, "fetches-20.jsonl", "origin", Signal::KILL);
    no_model_is_blamed(
        running,
        "the comparison's own origin server ended with signal: 9",
    );
}

#[test]
fn killed_requests_are_not_the_fault_of_a_model() {
    let running = two_tables(SERVED);
    hit(&running, "served-5.jsonl", "requests", Signal::KILL);
    no_model_is_blamed(running, "the comparison's own program `requests`");
}

#[test]
fn dead_requests_excuse_no_fault_in_other_tables() {
    let comparison = Comparison::quick(SERVED).budget("30s");
    let map = comparison.file("map.toml", TINY);
    let running = comparison
        .args(["--model", "threads", "--runner", "faulty=false"])
        .args(["--workload-file".into(), map.into_os_string()])
        .start();
    hit(&running, "served-5.jsonl", "requests", Signal::KILL);
    let finished = running.finish();
    let results = finished.results();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    let cell = |model: &str| {
        let mut cells = results.cells.iter();
        cells.find(|cell| cell.workload == "tiny" && cell.model == model)
    };
    let faulty = cell("faulty").unwrap_or_else(|| panic!("no row: {results:#?}"));
    assert!(faulty.error.is_some(), "{faulty:#?}");
    for model in ["sequential", "threads"] {
        assert!(
            cell(model).is_some_and(|cell| cell.verified),
            "{results:#?}"
        );
    }
    let excused = |line: &&String| line.contains("no model is to blame");
    let excuses: Vec<_> = results.warnings.iter().filter(excused).collect();
    assert!(
        excuses.iter().all(|line| line.starts_with("served: ")) && !excuses.is_empty(),
        "{:?}",
        results.warnings
    );
    finished.nothing_left();
}

#[test]
fn tables_without_the_origin_are_measured_if_it_does_not_start() {
    let comparison = Comparison::quick(FETCHES);
    let tiny = comparison.file("tiny.toml", TINY);
    let origin = comparison.script("no-origin", "echo no address");
    // Cargo, except that the origin server which it reports is another program.
    let replaced = format!("s#[^\"]*/origin\"#{}\"#g", origin.display());
    let real = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let script = format!("'{real}' \"$@\" | sed '{replaced}'");
    let cargo = comparison.script("cargo", &script);
    let finished = comparison
        .args(["--workload-file".into(), tiny.into_os_string()])
        .env("CARGO", cargo.into_os_string())
        .run();
    let results = finished.results();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    assert!(results.complete);
    let warned = |line: &String| line.starts_with("fetches: ") && line.contains("does not start");
    assert!(
        results.warnings.iter().any(warned),
        "{:?}",
        results.warnings
    );
    verified(&results, "sequential");
    assert_eq!(results.cells[0].workload, "tiny");
    finished.nothing_left();
}

#[test]
fn figures_are_printed_if_the_output_folder_is_lost() {
    let slow = TINY.replace("compute = \"100us\"", "wait = \"200ms\"");
    let comparison = Comparison::quick(&slow);
    let again = comparison.file("again.toml", &TINY.replace("tiny", "again"));
    let running = comparison
        .args(["--workload-file".into(), again.into_os_string()])
        .start();
    let out = running.comparison().path("out");
    let inputs = out.join(WORK).join("tiny-5.jsonl");
    wait_until("the inputs", || inputs.exists());
    // From here on, neither folders nor files can be created there.
    fs::remove_dir_all(&out).expect("the folder is deleted");
    fs::write(&out, "in the way").expect("a file");
    let finished = running.finish();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    for table in ["tiny", "again"] {
        assert!(finished.stdout.contains(table), "{}", finished.stdout);
    }
    assert!(
        finished.stderr.contains("cannot be written"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("--output"), "{}", finished.stderr);
    assert!(!finished.stdout.contains("ERROR"), "{}", finished.stdout);
}

#[test]
fn results_that_cannot_be_written_are_printed() {
    let comparison = Comparison::tiny();
    let running = comparison.args(["--runner", "never=sleep 2"]).start();
    let out = running.comparison().path("out");
    wait_until("the folder", || out.join(WORK).exists());
    // A folder with the name of the file.
    fs::create_dir_all(out.join("results.json/in the way")).expect("a folder");
    let finished = running.finish();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    assert!(
        finished.stdout.contains("sequential"),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stderr.contains("cannot be written"),
        "{}",
        finished.stderr
    );
}

#[test]
fn an_output_folder_that_is_in_use_is_left_alone() {
    let slow = TINY.replace("compute = \"100us\"", "wait = \"300ms\"");
    let first = Comparison::quick(&slow).start();
    let out = first.comparison().path("out");
    let inputs = out.join(WORK).join("tiny-5.jsonl");
    wait_until("the inputs", || inputs.exists());
    // A separate folder for temporary files, and so a separate machine-wide lock.
    let second = Comparison::tiny().output(out.into_os_string()).run();
    second.refused(&["another comparison", "--output"]);
    let finished = first.finish();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    verified(&finished.results(), "sequential");
}
