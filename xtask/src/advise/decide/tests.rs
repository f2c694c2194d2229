//! Decisions from results that were made up.

use super::*;
use crate::results::{Cell, Environment, SCHEMA, Settings};

/// A contestant with a number of workers, its ratio to the best, and its verdict.
type Row = (&'static str, usize, f64, Verdict);

fn interval(median: f64, part: f64) -> Interval {
    Interval {
        median,
        low: Some(median * (1.0 - part)),
        high: Some(median * (1.0 + part)),
    }
}

/// Results with these rows, the best first: it takes 10 ms.
pub(in crate::advise) fn results(rows: &[Row]) -> Results {
    let cells = rows.iter().enumerate().map(|(place, row)| {
        let (model, workers, ratio, verdict) = *row;
        let (model, variant) = model.split_once('/').unwrap_or((model, ""));
        Cell {
            workload: "w".to_owned(),
            model: model.to_owned(),
            variant: variant.to_owned(),
            workers,
            tasks: 10,
            verified: true,
            wall_ns: Some(interval(10e6 * ratio, 0.01)),
            ratio_to_best: Some(interval(ratio, 0.01)),
            speedup: Some(interval(4.0 / ratio, 0.01)),
            rss_peak_bytes: Some(1 << 20),
            rank: Some(place + 1),
            verdict: Some(verdict),
            ..Cell::default()
        }
    });
    Results {
        schema: SCHEMA,
        complete: true,
        environment: Environment {
            cpus: 4,
            ..Environment::default()
        },
        settings: Settings::default(),
        workloads: vec![Workload {
            name: "w".to_owned(),
            pattern: "map".to_owned(),
            tasks: 10,
            digest: String::new(),
            ..Workload::default()
        }],
        cells: cells.collect(),
        skipped: Vec::new(),
        warnings: Vec::new(),
    }
}

fn taken(rows: &[Row]) -> (Outcome, String, Option<Workers>) {
    let decision = decide(&results(rows), None);
    let taken = decision.taken.expect("advice");
    (decision.verdict, taken.label(), taken.workers)
}

const SLOW: Row = (BASELINE, 0, 4.0, Verdict::Slower);

#[test]
fn clear_winner_is_taken() {
    let (verdict, label, workers) = taken(&[
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("threads", 0, 1.2, Verdict::Slower),
        SLOW,
    ]);
    assert_eq!((verdict, label.as_str()), (Outcome::Take, "tokio-tasks"));
    assert_eq!(workers.map(|workers| workers.take), Some(4));
}

#[test]
fn simpler_model_that_is_as_fast_is_taken() {
    let rows = [
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.015, Verdict::Fast),
        ("threads", 0, 1.045, Verdict::Fast),
        SLOW,
    ];
    let (verdict, label, _) = taken(&rows);
    // `threads` is simpler still, but its estimate is further off than simplicity is worth.
    assert_eq!((verdict, label.as_str()), (Outcome::Take, "thread-pool"));
}

#[test]
fn sequential_is_good_enough_if_nothing_is_faster() {
    let (verdict, label, workers) = taken(&[
        ("data-parallel", 4, 1.0, Verdict::Best),
        (BASELINE, 0, 1.04, Verdict::Fast),
    ]);
    assert_eq!((verdict, label.as_str()), (Outcome::Sequential, BASELINE));
    assert_eq!(workers, None);
}

#[test]
fn sequential_stays_open_while_few_samples_were_faster() {
    let of = |ratio: f64| {
        let mut rows = results(&[
            (BASELINE, 0, 1.0, Verdict::Best),
            ("data-parallel", 4, ratio, Verdict::Open),
        ]);
        let few = rows.cells[1].ratio_to_best.as_mut().expect("a ratio");
        (few.low, few.high) = (None, None);
        decide(&rows, None).verdict
    };
    assert_eq!(of(0.67), Outcome::Open);
    assert_eq!(of(1.02), Outcome::Sequential);
}

#[test]
fn open_verdict_names_both_and_takes_the_simpler() {
    let rows = [
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.01, Verdict::Open),
        ("queue", 4, 1.3, Verdict::Slower),
        SLOW,
    ];
    let decision = decide(&results(&rows), None);
    assert_eq!(decision.verdict, Outcome::Open);
    assert_eq!(
        decision.taken.map(|taken| taken.label()),
        Some("thread-pool".to_owned())
    );
    let others: Vec<String> = decision.others.iter().map(Taken::label).collect();
    assert_eq!(others, ["tokio-tasks"]);
}

#[test]
fn pool_with_a_worker_for_each_task_is_not_simpler() {
    let of = |rows: &[Row], tasks: usize| {
        let mut results = results(rows);
        results.workloads[0].tasks = tasks;
        for cell in &mut results.cells {
            cell.tasks = tasks;
        }
        decide(&results, None).taken.expect("advice").label()
    };
    let pool = ("thread-pool", 100, 1.0, Verdict::Best);
    let queue = ("queue", 100, 1.01, Verdict::Fast);
    let near = ("tokio-tasks", 4, 1.04, Verdict::Open);
    let far = ("tokio-tasks", 4, 1.07, Verdict::Open);
    assert_eq!(of(&[pool, queue, near, SLOW], 100), "tokio-tasks");
    // It has enough workers.
    assert_eq!(of(&[pool, queue, near, SLOW], 200), "thread-pool");
    // The other one is beyond the margin.
    assert_eq!(of(&[pool, queue, far, SLOW], 100), "thread-pool");
}

#[test]
fn far_one_without_an_interval_is_no_candidate() {
    let mut rows = results(&[
        ("thread-pool", 4, 1.0, Verdict::Best),
        ("queue", 4, 1.2, Verdict::Open),
        (BASELINE, 0, 18.0, Verdict::Open),
    ]);
    for cell in &mut rows.cells[1..] {
        let ratio = cell.ratio_to_best.as_mut().expect("a ratio");
        (ratio.low, ratio.high) = (None, None);
    }
    let others: Vec<String> = decide(&rows, None)
        .others
        .iter()
        .map(Taken::label)
        .collect();
    assert_eq!(others, ["queue"]);
}

#[test]
fn flat_region_of_workers_is_a_range() {
    let rows = [
        ("thread-pool", 8, 1.0, Verdict::Best),
        ("thread-pool", 16, 1.02, Verdict::Fast),
        ("thread-pool", 4, 1.04, Verdict::Fast),
        ("thread-pool", 2, 1.9, Verdict::Slower),
        SLOW,
    ];
    let expected = Workers {
        take: 8,
        least: 4,
        most: 16,
        or_more: true,
    };
    assert_eq!(taken(&rows).2, Some(expected));
}

/// Work that takes at least this long on 4 processors.
fn work(least_ns: f64, waiting_ns: f64) -> Work {
    Work {
        sequential_ns: 40e6,
        cpu_ns: 4.0 * least_ns,
        waiting_ns,
        longest_ns: 0.0,
        is_scalable: true,
    }
}

#[test]
fn time_below_the_bound_is_a_disagreement() {
    let rows = results(&[("data-parallel", 4, 1.0, Verdict::Best), SLOW]);
    // It took 10 ms, give or take 1 %.
    let decision = decide(&rows, Some(&work(12e6, 0.0)));
    assert_eq!(
        (decision.verdict, decision.taken),
        (Outcome::Disagreement, None)
    );
    assert_eq!(
        decision.fastest.map(|one| one.label()),
        Some("data-parallel".to_owned())
    );
    let within_noise = decide(&rows, Some(&work(10.5e6, 0.0)));
    assert_eq!(within_noise.verdict, Outcome::Take);
    let by_samples = Work {
        is_scalable: false,
        ..work(12e6, 0.0)
    };
    assert_eq!(decide(&rows, Some(&by_samples)).verdict, Outcome::Take);
}

#[test]
fn waits_shared_by_too_few_at_once_are_a_disagreement() {
    let mut rows = results(&[
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.0, Verdict::Fast),
        SLOW,
    ]);
    // 80 ms of waiting do not fit into 10 ms with 4 at once.
    let work = work(1e6, 80e6);
    rows.cells[0].at_once = Some(10);
    assert_eq!(decide(&rows, Some(&work)).verdict, Outcome::Take);
    rows.cells[1].at_once = Some(4);
    let decision = decide(&rows, Some(&work));
    assert_eq!(decision.verdict, Outcome::Disagreement);
    let wrong = decision.fastest.expect("the one that is too fast");
    assert_eq!(wrong.label(), "thread-pool");
    assert_eq!(wrong.least_ns, Some(21e6));
    rows.cells[1].function = Some("`run_async`".to_owned());
    assert_eq!(decide(&rows, Some(&work)).verdict, Outcome::Take);
}

#[test]
fn results_without_rows_give_no_advice() {
    assert_eq!(decide(&results(&[]), None).verdict, Outcome::Unmeasured);
}
