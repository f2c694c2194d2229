//! A table of contestants that serve requests.

use xtask::render;
use xtask::results::{Results, Workload};
use xtask::stats::summarise;

use crate::fixture::results;

/// `waits`, had it been requests at a rate: each sample took as long as the requests came, and what
/// took long are the responses.
fn served() -> Results {
    let mut results = results();
    results.workloads.truncate(1);
    results.skipped.clear();
    results.cells.retain(|cell| cell.workload == "waits");
    let Workload { pattern, items, .. } = &mut results.workloads[0];
    (*pattern, *items) = ("serve".into(), vec![61]);
    (results.workloads[0].rate, results.workloads[0].sessions) = (Some(400.0), Some(1_000));
    for cell in &mut results.cells {
        for sample in &mut cell.samples {
            let p99 = sample.wall_ns as f64;
            sample.wall_ns = 1_000_000_000;
            for (name, value) in [("p50", p99 / 3.0), ("p99", p99), ("max", p99 * 1.1)] {
                let name = format!("response_{name}_ns");
                sample.metrics.insert(name.clone(), value);
                cell.metrics.insert(name, value);
            }
        }
    }
    summarise(&mut results);
    results
}

#[test]
fn requests_are_judged_by_how_soon_they_are_answered() {
    let results = served();
    insta::assert_snapshot!("served", render::table(&results, 0));
    let best = results.cells.iter().find(|cell| cell.rank == Some(1));
    let best = best.expect("a best one");
    assert_eq!(best.model, "tokio-tasks");
    assert_eq!(best.wall_ns.expect("a time").median, 1e9);
    assert!(best.response_ns.expect("a response").median < 25e6);
    let closing = render::closing(&results, None);
    assert!(
        closing.contains("p99       of the pattern serve"),
        "{closing}"
    );
    assert!(!render::closing(&crate::fixture::results(), None).contains("p99 "));
}

#[test]
fn rates_are_swept_by_the_response_and_not_by_the_time() {
    let mut results = served();
    let mut more = results.workloads[0].clone();
    (more.tasks, more.rate) = (800, Some(1_600.0));
    results.workloads.push(more);
    let mut cells = results.cells.clone();
    for cell in &mut cells {
        cell.tasks = 800;
        for sample in &mut cell.samples {
            *sample.metrics.get_mut("response_p99_ns").expect("there") *= 9.0;
        }
    }
    results.cells.extend(cells);
    summarise(&mut results);
    let text = render::sweeps(&results);
    assert!(
        text.starts_with("waits: p99 of the response by requests a second\n"),
        "{text}"
    );
    assert!(text.contains("400") && text.contains("1600"), "{text}");
    assert!(!text.contains("number of tasks"), "{text}");
    let table = render::table(&results, 1);
    assert!(table.contains("\n- waits at 1600/s: "), "{table}");
    assert!(!table.contains("waits with"), "{table}");
}
