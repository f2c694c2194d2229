//! Contenders of comparisons that were made up.

use workload_stats::Interval;

use super::super::decide::tests::results;
use super::*;
use crate::cli::workers::numbers;
use crate::results::{Sample, Verdict};

const SEQUENTIAL: &str = BASELINE;

/// The same with another number of tasks.
fn with_tasks(mut scouted: Results, tasks: usize) -> Results {
    scouted.workloads[0].tasks = tasks;
    for cell in &mut scouted.cells {
        cell.tasks = tasks;
    }
    scouted
}

fn labels(contenders: &[Contender]) -> Vec<&str> {
    contenders.iter().map(|one| one.label.as_str()).collect()
}

#[test]
fn near_ones_go_on_and_far_ones_do_not() {
    let mut scouted = results(&[
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("threads", 0, 1.2, Verdict::Slower),
        ("queue", 4, 2.0, Verdict::Open),
        ("thread-pool", 4, 2.5, Verdict::Open),
        ("process-pool", 4, 1.4, Verdict::Slower),
        (SEQUENTIAL, 0, 4.0, Verdict::Slower),
    ]);
    // Sampled too rarely for an interval.
    let few = scouted.cells[3].ratio_to_best.as_mut().expect("a ratio");
    (few.low, few.high) = (None, None);
    let contenders = of(&scouted);
    assert_eq!(
        labels(&contenders),
        ["tokio-tasks", "threads", "thread-pool"]
    );
    assert!(contenders[1].workers.is_empty(), "it takes no number");
}

#[test]
fn number_of_contenders_is_limited_and_one_always_goes_on() {
    let names = ["threads", "queue", "coroutines", "tokio-tasks"];
    let more = ["data-parallel", "thread-pool", "process-pool"];
    let all = names.into_iter().chain(more);
    let rows: Vec<_> = all.map(|name| (name, 4, 1.0, Verdict::Fast)).collect();
    assert_eq!(of(&results(&rows)).len(), MOST_CONTENDERS);
    let alone = of(&results(&[
        (SEQUENTIAL, 0, 1.0, Verdict::Best),
        ("threads", 0, 9.0, Verdict::Slower),
    ]));
    assert_eq!(labels(&alone), ["threads"]);
    assert!(of(&results(&[])).is_empty());
}

#[test]
fn workers_of_waiting_tasks_reach_to_the_number_of_tasks() {
    let mut scouted = results(&[
        ("thread-pool", 8, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.9, Verdict::Slower),
        (SEQUENTIAL, 0, 8.0, Verdict::Slower),
    ]);
    scouted.cells[0].sized = true;
    // 4 processors, and tasks that compute for a hundredth of their time.
    scouted.cells[2].samples = vec![Sample {
        wall_ns: 100_000_000,
        cpu_ns: 1_000_000,
        ..Sample::default()
    }];
    let mut scouted = with_tasks(scouted, 1_000);
    assert_eq!(of(&scouted)[0].workers, [4, 8, 16, 512]);
    scouted = with_tasks(scouted, 100);
    assert_eq!(of(&scouted)[0].workers, [4, 8, 16, 100]);
    scouted.cells[0].sized = false;
    assert_eq!(of(&scouted)[0].workers, [4, 8, 16], "it does not grow");
}

#[test]
fn numbers_that_were_not_much_slower_are_measured_again() {
    let scouted = results(&[
        ("thread-pool", 64, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.3, Verdict::Slower),
    ]);
    let mut scouted = with_tasks(scouted, 1_000);
    assert_eq!(of(&scouted)[0].workers, [4, 32, 64, 128]);
    scouted.cells[1].wall_ns = scouted.cells[0].wall_ns.map(|wall| Interval {
        median: 2.0 * wall.median,
        ..wall
    });
    assert_eq!(of(&scouted)[0].workers, [32, 64, 128]);
}

#[test]
fn variants_of_a_model_share_their_numbers() {
    let contender = |variant: &str, workers: &[usize]| Contender {
        model: "thread-pool".to_owned(),
        label: format!("thread-pool/{variant}"),
        workers: workers.to_vec(),
    };
    let threads = Contender {
        model: "threads".to_owned(),
        label: "threads".to_owned(),
        workers: Vec::new(),
    };
    let given = workers(&[contender("a", &[2, 4]), threads, contender("b", &[4, 8])]);
    assert_eq!(numbers(&given, Some("thread-pool")), [2, 4, 8]);
    assert!(numbers(&given, Some("threads")).is_empty());
}
