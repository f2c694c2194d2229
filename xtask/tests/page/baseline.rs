//! Two runs on one page.

use xtask::page::page;
use xtask::results::Results;
use xtask::stats::summarise;

use crate::fixture::results;
use crate::markup::Page;

/// The same comparison with one model eight times as fast: a single sample shows no less.
fn earlier() -> Results {
    let mut results = results();
    results.complete = true;
    for cell in results
        .cells
        .iter_mut()
        .filter(|cell| cell.contestant() == "threads/limited")
    {
        for sample in &mut cell.samples {
            sample.wall_ns /= 8;
        }
    }
    summarise(&mut results);
    results
}

#[test]
fn earlier_samples_are_hollow_marks_on_the_same_rows() {
    let (now, then) = (results(), earlier());
    let page = Page::read(&page(&now, Some(&then)));
    let rows = page.classed("path", "e");
    let measured = now.cells.iter().filter(|cell| cell.error.is_none()).count();
    assert_eq!(rows.len(), measured);
    let marks = rows.iter().filter_map(|path| path.attribute("d"));
    let marks: usize = marks.map(|data| data.matches('M').count()).sum();
    let samples = then.cells.iter().filter(|cell| cell.error.is_none());
    assert_eq!(marks, samples.map(|cell| cell.samples.len()).sum::<usize>());
    assert!(
        rows[0].attribute("d").expect("data").ends_with('z'),
        "boxes are closed"
    );
}

#[test]
fn changes_beyond_noise_are_a_table() {
    let page = Page::read(&page(&results(), Some(&earlier())));
    let changes = page.id("c");
    assert!(changes.text.contains("threads/limited"), "{}", changes.text);
    assert!(changes.text.contains("slower"), "{}", changes.text);
    assert!(!changes.text.contains("current-thread"), "{}", changes.text);
    assert!(page.id("changes").text.contains("1 slower, 0 faster"));
}

#[test]
fn a_run_alone_has_nothing_to_compare() {
    let page = Page::read(&page(&results(), None));
    assert!(!page.has_id("changes"));
    assert!(page.classed("path", "e").is_empty());
}

#[test]
fn cells_that_are_not_compared_have_no_hollow_marks() {
    let now = results();
    let mut other_inputs = earlier();
    other_inputs.workloads[0].digest = "of other inputs".into();
    let mut other_rate = earlier();
    let name = now.workloads[0].name.clone();
    other_rate.workloads[0].rate = Some(7.0);
    let cells = other_rate.cells.iter_mut();
    for cell in cells.filter(|cell| cell.workload == name) {
        cell.rate = Some(7.0);
    }
    let all = Page::read(&page(&now, Some(&earlier())));
    let all = all.classed("path", "e").len();
    let cells = now.cells.iter().filter(|cell| cell.error.is_none());
    let first = cells.filter(|cell| cell.workload == name).count();
    for then in [other_inputs, other_rate] {
        let page = Page::read(&page(&now, Some(&then)));
        assert_eq!(page.classed("path", "e").len(), all - first);
        let captions = page.all("caption");
        let hollow = captions
            .iter()
            .filter(|caption| caption.text.contains("Hollow marks"));
        assert_eq!(hollow.count(), now.workloads.len() - 1);
    }
}
