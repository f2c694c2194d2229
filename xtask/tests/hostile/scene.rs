//! The stage: `sequential`, which must come out well, and one contestant that does what it is told.

use libtest_mimic::Trial;
use xtask::results::Results;

use crate::support::{Comparison, Finished, TINY, cell, verified};

/// A test by a function that panics when it fails.
pub(crate) fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A tiny comparison with the contestant `foreign`, which does these deeds.
pub(crate) fn with(deeds: &str) -> Comparison {
    bring(Comparison::tiny(), deeds)
}

/// The same with this pattern, as the definition file has it after `pattern = `, its settings on
/// the lines after.
pub(crate) fn with_pattern(pattern: &str, deeds: &str) -> Comparison {
    let text = TINY.replace("\"map\"", pattern);
    bring(Comparison::quick(&text), deeds)
}

/// The same with logs that grow and are merged.
pub(crate) fn with_logs(deeds: &str) -> Comparison {
    let text = TINY
        .replace("\"map\"", "\"merge\"")
        .replace("compute = \"100us\"", "tail = \"1KiB\"\nover = \"5ms\"");
    bring(Comparison::quick(&text), deeds)
}

/// The same with tasks that read a file each.
pub(crate) fn with_files(deeds: &str) -> Comparison {
    let read = TINY.replace("compute = \"100us\"", "read = \"1KiB\"");
    bring(Comparison::quick(&read), deeds)
}

/// The same where each sample waits for long enough that the other contestant can be seen idling.
pub(crate) fn with_waits(deeds: &str) -> Comparison {
    let waits = TINY.replace("compute = \"100us\"", "wait = \"10ms\"");
    bring(Comparison::quick(&waits), deeds)
}

/// The same with samples that compute long enough for the bounds on claims to apply.
pub(crate) fn with_work(deeds: &str) -> Comparison {
    let work = TINY.replace("100us", "100ms");
    bring(Comparison::quick(&work), deeds)
}

/// Adds the hostile contestant to a comparison.
pub(crate) fn bring(comparison: Comparison, deeds: &str) -> Comparison {
    let own = std::env::current_exe().expect("this program");
    let tag = comparison.tag();
    let program = own.to_str().expect("UTF-8");
    comparison.runner("foreign", &[program, "contestant", deeds, &tag])
}

/// Expects a row that begins with these words, all other rows unharmed, and no process left behind.
#[track_caller]
pub(crate) fn fails(finished: &Finished, error: &str) -> Results {
    let results = finished.results();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    assert!(results.complete);
    let row = cell(&results, "foreign");
    let found = row.error.as_deref().unwrap_or_default();
    assert!(found.starts_with(error), "{error:?} expected: {row:#?}");
    assert!(!row.verified);
    assert!(
        row.wall_ns.is_none() && row.ratio_to_best.is_none() && row.rank.is_none(),
        "a failed row has no figures: {row:#?}"
    );
    assert!(finished.stdout.contains("ERROR"), "{}", finished.stdout);
    verified(&results, "sequential");
    finished.nothing_left();
    results
}

/// Expects a row like any other, and nothing left behind.
#[track_caller]
pub(crate) fn passes(finished: &Finished) -> Results {
    let results = finished.results();
    verified(&results, "foreign");
    verified(&results, "sequential");
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(!finished.stdout.contains("ERROR"), "{}", finished.stdout);
    finished.nothing_left();
    results
}
