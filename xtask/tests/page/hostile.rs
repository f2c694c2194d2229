//! Results files that no comparison wrote make a page all the same, and no markup of their own.

use std::time::Instant;

use workload::timeline::{Lane, Timeline};
use xtask::page::page;
use xtask::results::Results;

use crate::fixture::results;
use crate::markup::Page;

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "&lt;script&gt;",
    "<!-- ",
    "]]>",
    "\u{202e}evil\u{2066}",
    "\0\u{1b}[31m\u{9b}5A\r\n\u{2028}",
    "javascript:alert(1)",
    "e\u{301}\u{301}\u{301}\u{301}",
    "並行 العربية",
];

/// The same text in every field that a file may have it in.
fn everywhere(text: &str) -> Results {
    let mut results = results();
    let environment = &mut results.environment;
    for field in [
        &mut environment.os,
        &mut environment.cpu,
        &mut environment.rustc,
        &mut environment.started,
    ] {
        *field = text.to_owned();
    }
    results.settings.command = text.to_owned();
    results.settings.calibrated = Some(text.to_owned());
    results.settings.floor = Some(0.01);
    results.warnings = vec![text.to_owned()];
    let name = results.workloads[0].name.clone();
    for workload in results.workloads.iter_mut().filter(|it| it.name == name) {
        workload.about = text.to_owned();
        workload.pattern = text.to_owned();
        workload.name = text.to_owned();
    }
    for cell in &mut results.cells {
        if cell.workload == name {
            cell.workload = text.to_owned();
            cell.model = text.to_owned();
        }
        cell.variant = text.to_owned();
        cell.note = Some(text.to_owned());
        if cell.error.is_some() {
            cell.error = Some(text.to_owned());
        }
        cell.metrics.insert(text.to_owned(), f64::NAN);
        cell.metrics.insert("completion_p50_ns".into(), -1e300);
    }
    for skipped in &mut results.skipped {
        skipped.model = text.to_owned();
        skipped.variant = text.to_owned();
        skipped.reason = text.to_owned();
    }
    results
}

#[test]
fn no_text_of_a_file_becomes_markup() {
    for text in HOSTILE {
        let results = everywhere(text);
        let markup = page(&results, Some(&results));
        let page = Page::read(&markup);
        assert!(page.all("img").is_empty(), "{text}");
        let hidden = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let found = markup.chars().find(|c| hidden(*c));
        assert_eq!(found, None, "{text:?}");
    }
}

#[test]
fn a_contestant_named_script_is_shown_as_text() {
    let page = Page::read(&page(&everywhere("<script>"), None));
    let heads = page.all("th");
    assert!(heads.iter().any(|head| head.text.contains("<script>")));
    assert!(page.all("title")[0].text.starts_with("Comparison"));
}

#[test]
fn ten_thousand_letters_are_cut_everywhere() {
    let results = everywhere(&"n".repeat(10_000));
    let markup = page(&results, Some(&results));
    let page = Page::read(&markup);
    assert!(markup.len() < 300_000, "{}", markup.len());
    let longest = page
        .all("bdi")
        .iter()
        .map(|name| name.text.chars().count())
        .max();
    assert!(longest.expect("names") < 200, "{longest:?}");
}

#[test]
fn impossible_numbers_make_a_page() {
    for value in [
        f64::NAN,
        f64::INFINITY,
        -1e300,
        0.0,
        1e300,
        f64::MIN_POSITIVE,
    ] {
        let mut results = results();
        for cell in &mut results.cells {
            let intervals = [
                &mut cell.wall_ns,
                &mut cell.ratio_to_best,
                &mut cell.speedup,
            ];
            for interval in intervals.into_iter().flatten() {
                interval.median = value;
                interval.low = Some(value);
                interval.high = Some(-value);
            }
            for sample in &mut cell.samples {
                sample.wall_ns = u64::MAX;
                sample.life = u32::MAX;
            }
            cell.timeline = Some(Timeline {
                tasks: u64::MAX,
                wall_ns: 0,
                lanes_left_out: u64::MAX,
                lanes: vec![
                    Lane {
                        spans: vec![(u64::MAX, 0, 0), (5, 4, u32::MAX)],
                        ..Lane::default()
                    };
                    1_000
                ],
                ..Timeline::default()
            });
        }
        results.workloads[0].rate = Some(value);
        results.settings.margin = Some(value);
        Page::read(&page(&results, Some(&results)));
    }
}

#[test]
fn a_hundred_thousand_samples_take_a_moment() {
    let mut results = results();
    let few = results.cells[4].samples.clone();
    for cell in &mut results.cells {
        cell.samples = few.iter().cycle().take(10_000).cloned().collect();
    }
    let start = Instant::now();
    let markup = page(&results, None);
    Page::read(&markup);
    assert!(markup.len() < 600_000, "{}", markup.len());
    // An outer deadline only: the page takes milliseconds.
    assert!(start.elapsed().as_secs() < 60);
}
