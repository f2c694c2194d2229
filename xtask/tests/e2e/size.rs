//! The promises about large workloads: the tasks end in twice the longest wait, or a reason is
//! given.

use xtask::results::Verdict;

use crate::support::{Comparison, Finished, cell, verified};

fn waits(tasks: &str) -> Finished {
    let finished = Comparison::new()
        .args([
            "waits",
            "--model",
            "tokio-tasks",
            "--iterations-per-us",
            "100",
        ])
        .args(["--budget", "2s", "--tasks", tasks])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    let results = finished.results();
    verified(&results, "tokio-tasks");
    let cell = cell(&results, "tokio-tasks");
    eprintln!(
        "{tasks} tasks: {:?} ns, {} samples",
        cell.wall_ns,
        cell.samples.len()
    );
    finished
}

#[test]
fn three_thousand_waits_are_measured() {
    let finished = waits("3000");
    let results = finished.results();
    // Nearly eight seconds one after the other: it may be measured, and not twice.
    let sequential = cell(&results, "sequential");
    assert!(
        sequential.verified && sequential.samples.len() == 1,
        "{sequential:#?}"
    );
    assert_eq!(sequential.verdict, Some(Verdict::SlowerByOneSample));
    let ratio = sequential.ratio_to_best.unwrap();
    assert!(
        ratio.low.is_some_and(|low| low > 10.0) && ratio.high.is_none(),
        "{ratio:?}"
    );
    finished.nothing_left();
}

#[test]
fn too_long_sequential_run_is_skipped_with_arithmetic() {
    let finished = waits("100000");
    let results = finished.results();
    let skipped: Vec<_> = results.skipped.iter().collect();
    let [sequential] = skipped[..] else {
        panic!("{skipped:?}");
    };
    assert_eq!(sequential.model, "sequential");
    for part in [
        "100000 tasks",
        "at least",
        "over the limit of 30 s",
        "1 at once",
    ] {
        assert!(sequential.reason.contains(part), "{}", sequential.reason);
    }
    assert!(
        finished.stderr.contains("skipping sequential"),
        "{}",
        finished.stderr
    );
    finished.nothing_left();
}
