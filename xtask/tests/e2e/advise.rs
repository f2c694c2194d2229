//! Advice from end to end, with a tiny workload and hardly any time.

use std::fs;

use xtask::advise::{Advice, NAME, Outcome};

use crate::support::{Comparison, TINY};

#[test]
fn advice_is_printed_and_kept() {
    let command = Comparison::command("advise");
    let job = command.file("tiny.toml", TINY);
    let finished = command
        .args([job.into_os_string()])
        .args(["--budget", "1s", "--iterations-per-us", "100"])
        .args(["--model", "data-parallel", "--model", "threads"])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    for part in ["contender", "bound", "unknown"] {
        assert!(finished.stdout.contains(part), "{}", finished.stdout);
    }
    assert!(
        finished
            .stdout
            .lines()
            .all(|line| line.chars().count() <= 80)
    );
    let folder = finished.results.parent().unwrap();
    let text = fs::read_to_string(folder.join(NAME)).unwrap();
    let advice: Advice = serde_json::from_str(&text).unwrap();
    assert_ne!(advice.decision.verdict, Outcome::Unmeasured);
    assert!(
        advice
            .bounds
            .is_some_and(|bounds| bounds.most_speedup >= 1.0)
    );
    assert_eq!(advice.flips.len(), 2, "{:?}", advice.flips);
    let results = xtask::results::read(&finished.results).unwrap();
    assert_eq!(results.workloads.len(), 1);
    finished.nothing_left();
}

#[test]
fn bad_job_gives_one_line() {
    for (name, words) in [("notes.txt", "neither a folder nor"), ("w.toml", "w.toml")] {
        let command = Comparison::command("advise");
        let job = command.file(name, "no workload\n");
        let finished = command.args([job.into_os_string()]).run();
        assert_eq!(finished.code(), 2, "{}", finished.stderr);
        let errors = finished
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}
