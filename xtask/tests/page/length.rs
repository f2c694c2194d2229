//! The page of a full run keeps to its limit.

use workload::timeline::{Lane, Timeline};
use xtask::page::page;
use xtask::results::{Cell, Results};

use crate::fixture::results;
use crate::markup::Page;

/// The limit on the page of a full run.
const MOST_BYTES: usize = 600_000;

/// 15 workloads, 225 cells and 2,700 samples, each cell with a timeline.
fn full() -> Results {
    let mut results = results();
    let (workload, models) = (results.workloads[0].clone(), results.cells.clone());
    results.workloads.clear();
    results.cells.clear();
    for place in 0..15 {
        let mut table = workload.clone();
        table.name = format!("workload-{place}");
        results.workloads.push(table);
        for model in 0..15 {
            let like = &models[1 + model % 6];
            results.cells.push(Cell {
                workload: format!("workload-{place}"),
                model: format!("model-number-{model}"),
                variant: if model > 9 {
                    "a-variant".into()
                } else {
                    String::new()
                },
                samples: like.samples.iter().take(12).cloned().collect(),
                metrics: [
                    ("completion_p50_ns".to_owned(), 2e6),
                    ("completion_p99_ns".to_owned(), 9e6),
                    ("loop_lag_max_ns".to_owned(), 1e5),
                ]
                .into(),
                timeline: Some(timeline(model as u64)),
                ..like.clone()
            });
        }
    }
    results
}

/// Every fourth is the fullest there is; the others are as full as those of a full run.
fn timeline(seed: u64) -> Timeline {
    let (lanes, threads) = if seed.is_multiple_of(4) {
        (64, 64)
    } else {
        (10, 2)
    };
    let lane = |lane: u64| Lane {
        process: 0,
        thread: (lane * threads / lanes) as u32,
        spans: (0..8)
            .map(|at| at * 120_000 + lane * 997 + seed)
            .map(|start| (start, start + 70_000, 1))
            .collect(),
        ..Lane::default()
    };
    Timeline {
        tasks: 512,
        wall_ns: 1_000_000,
        lanes: (0..lanes).map(lane).collect(),
        ..Timeline::default()
    }
}

#[test]
fn page_of_a_full_run_is_within_its_limit() {
    let results = full();
    let samples: usize = results.cells.iter().map(|cell| cell.samples.len()).sum();
    assert!(results.cells.len() >= 225 && samples >= 2_700, "{samples}");
    for earlier in [None, Some(&results)] {
        let markup = page(&results, earlier);
        assert!(markup.len() <= MOST_BYTES, "{}", markup.len());
        assert_eq!(Page::read(&markup).all("figure").len(), results.cells.len());
    }
}
