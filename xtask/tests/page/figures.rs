//! Figures: samples, latencies and timelines.

use workload::timeline::{Lane, Timeline};
use xtask::page::page;
use xtask::results::Results;

use crate::fixture::results;
use crate::markup::Page;

/// The marks of paths of this class.
fn marks(page: &Page, class: &str) -> usize {
    let paths = page.classed("path", class).into_iter();
    let data = paths.filter_map(|path| path.attribute("d"));
    data.map(|data| data.matches('M').count()).sum()
}

#[test]
fn every_sample_of_a_measured_cell_is_a_mark() {
    let results = results();
    let page = Page::read(&page(&results, None));
    let measured = results.cells.iter().filter(|cell| cell.error.is_none());
    let samples: usize = measured.map(|cell| cell.samples.len()).sum();
    assert!(samples > 200, "{samples}");
    assert_eq!(marks(&page, "s") + marks(&page, "w"), samples);
}

#[test]
fn many_samples_are_thinned_with_the_count_shown() {
    let mut results = results();
    let cell = results
        .cells
        .iter_mut()
        .find(|cell| cell.model == "tokio-tasks");
    let cell = cell.expect("tokio-tasks");
    let few = cell.samples.clone();
    cell.samples = few.iter().cycle().take(100_000).cloned().collect();
    let markup = page(&results, None);
    let page = Page::read(&markup);
    assert!(
        page.text().contains("of 100000 samples drawn"),
        "{}",
        page.id("w1").text
    );
    assert!(markup.len() < 200_000, "{}", markup.len());
}

#[test]
fn old_results_say_that_no_timeline_was_recorded() {
    let page = Page::read(&page(&results(), None));
    assert!(page.id("no-timeline").text.contains("No timeline"));
    assert!(page.all("figure").is_empty());
}

fn with_timelines() -> Results {
    let mut results = results();
    let lane = |process, thread, from: u64| Lane {
        process,
        thread,
        spans: (0..5)
            .map(|at| (from + at * 200, from + at * 200 + 150, 1))
            .collect(),
        ..Lane::default()
    };
    for cell in &mut results.cells {
        cell.timeline = Some(Timeline {
            tasks: 20,
            wall_ns: 1_000,
            lanes: vec![lane(0, 0, 0), lane(0, 0, 40), lane(0, 1, 0), lane(1, 0, 0)],
            ..Timeline::default()
        });
    }
    results.cells[1].timeline = None;
    results
}

#[test]
fn a_timeline_has_bands_of_threads_with_their_tasks() {
    let results = with_timelines();
    let page = Page::read(&page(&results, None));
    let measured = results.cells.iter().filter(|cell| cell.error.is_none());
    let figures = page.all("figure");
    assert_eq!(
        figures.len(),
        measured.filter(|cell| cell.timeline.is_some()).count()
    );
    let said = "20 tasks in 1.00 µs on 3 threads of 2 processes, at most 4 at once";
    assert!(figures[0].text.contains(said), "{}", figures[0].text);
    assert!(!page.has_id("no-timeline"));
    assert!(page.id("w1").text.contains("None was recorded for threads"));
    assert_eq!(marks(&page, "t"), figures.len() * 20);
    assert_eq!(
        marks(&page, "gap"),
        figures.len() * 2,
        "between three threads"
    );
}

#[test]
fn servers_have_latencies_and_the_lateness_of_the_load() {
    let mut results = results();
    let table = &mut results.workloads[0];
    table.pattern = "serve".into();
    table.rate = Some(1_000.0);
    table.sessions = Some(10);
    for cell in results
        .cells
        .iter_mut()
        .filter(|cell| cell.workload == "waits")
    {
        cell.response_ns = cell.wall_ns;
        for (percentile, ns) in [
            ("p50", 2e6),
            ("p90", 3e6),
            ("p99", 4e6),
            ("p999", 5e6),
            ("max", 6e6),
        ] {
            cell.metrics.insert(format!("response_{percentile}_ns"), ns);
            cell.metrics
                .insert(format!("send_lateness_{percentile}_ns"), ns / 100.0);
        }
    }
    let page = Page::read(&page(&results, None));
    let table = &page.id("l1").text;
    for said in ["p99.9", "5.00 ms", "load late p99", "40.0 µs", "60.0 µs"] {
        assert!(table.contains(said), "{said}: {table}");
    }
    assert!(page.classed("path", "resp").len() > 3);
    assert_eq!(
        page.classed("path", "resp").len(),
        page.classed("path", "load").len()
    );
    assert!(!page.has_id("l2"));
}
