//! Cheating contestants: none wins without doing the work.

use std::time::Duration;

use libtest_mimic::Trial;
use xtask::results::Results;

use crate::scene::{bring, fails, passes, trial, with, with_work};
use crate::support::{Comparison, TINY, cell};

/// A workload of servers whose tasks wait for a millisecond.
const SERVED: &str = "\"serve\"\nserve.rate = 100\nserve.seconds = 0.1\nserve.sessions = 2";

/// The least time of a response, in nanoseconds: each task waits for a millisecond.
const LEAST_NS: f64 = 1e6;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("a_foreign_metric_wins_no_table", || {
            let results = passes(&with("foreign_metric@sample").budget("5s").run());
            let row = cell(&results, "foreign");
            assert_eq!(row.response_ns, None);
            assert!(row.wall_ns.expect("a time").median > 1_000.0);
            assert!(row.samples.iter().all(|sample| sample.metrics.is_empty()));
        }),
        trial("too_many_metrics_are_cut", || {
            let results = passes(&with("many_metrics@sample,many_metrics@trace").run());
            let row = cell(&results, "foreign");
            assert!(row.metrics.len() <= 64, "{}", row.metrics.len());
            assert!(!row.metrics.contains_key("loop_lag_max_ns"));
        }),
        trial("a_plausible_timeline_is_kept", || {
            let results = passes(&with("right_timeline@trace").run());
            let timeline = cell(&results, "foreign").timeline.as_ref();
            let timeline = timeline.expect("a timeline");
            assert_eq!(timeline.tasks, 5);
            assert_eq!(timeline.lanes[0].spans, [(0, 1_000, 5)]);
            assert!(!warned(&results), "{:?}", results.warnings);
        }),
        trial("an_overlong_variant_name_is_not_measured", || {
            let finished = with("long_name@hello").run();
            fails(&finished, "the name of a variant is over 64 characters");
        }),
        trial("tasks_that_share_their_waits_are_a_wrong_answer", || {
            let many = TINY.replace("tasks = 5", "tasks = 40");
            let many = many.replace("compute = \"100us\"", "wait = \"20ms\"");
            let comparison = bring(Comparison::quick(&many), "workers,overlapping@sample");
            let finished = comparison.args(["--workers", "2"]).run();
            fails(&finished, "wrong answer: it claims");
        }),
        trial("a_fifth_of_the_time_is_a_wrong_answer", || {
            let finished = with_work("fifth@sample").run();
            fails(&finished, "wrong answer: it claims");
        }),
        trial("absurd_answers_do_not_raise_the_time_limit", || {
            let comparison = with_work("drowsy@sample").args(["--patience", "1s"]);
            let finished = comparison.run();
            fails(&finished, "hung: no answer to `sample`");
            assert!(
                finished.took < Duration::from_secs(60),
                "{:?}",
                finished.took
            );
        }),
        trial("a_late_reply_is_accepted", || {
            passes(&with_work("late_reply@sample").run());
        }),
        trial("outputs_from_before_the_sample_are_a_wrong_answer", || {
            let finished = with_work("remember@load,remembered@sample").run();
            fails(&finished, "wrong answer: its processes used");
        }),
        trial("tasks_too_costly_for_a_sample_are_skipped", || {
            let many = TINY.replace("tasks = 5", "tasks = 20_000");
            let many = many.replace("100us", "1ns");
            let comparison = bring(Comparison::quick(&many), "dear@sample");
            let finished = comparison.args(["--patience", "10s"]).run();
            assert_eq!(finished.code(), 0, "{}", finished.stderr);
            let results = finished.results();
            let [skipped] = &results.skipped[..] else {
                panic!("{:?}", results.skipped);
            };
            assert_eq!(skipped.model, "foreign");
            let reason = &skipped.reason;
            assert!(reason.contains("of its 20000 tasks took"), "{reason}");
            assert!(finished.stderr.contains(reason), "{}", finished.stderr);
            finished.nothing_left();
        }),
        trial("a_trace_may_take_as_long_as_the_sample_did", || {
            let comparison = with("second_long@sample,seconds_long@trace");
            passes(&comparison.args(["--patience", "4s"]).run());
        }),
    ];
    for (deed, words) in [
        ("shapeless", "invalid type: string"),
        ("crowded", "65 lanes, more than 64"),
        ("endless", "20000 spans, more than 512"),
        ("late", "longer than the answer took"),
        ("backward", "before its start"),
        ("huge", "invalid type: floating point"),
    ] {
        let name = format!("a_lying_timeline_is_left_out_with_a_warning::{deed}");
        trials.push(trial(&name, move || {
            let results = passes(&with(&format!("{deed}_timeline@trace")).run());
            assert_eq!(cell(&results, "foreign").timeline, None);
            let warning = results.warnings.iter().find(|text| is_odd(text));
            let warning = warning.expect("a warning");
            assert!(warning.contains(words), "{warning}");
            assert!(
                warning.len() < 400 && !warning.contains('\u{1b}'),
                "{warning}"
            );
        }));
    }
    for deed in ["divided", "negative", "missing", "second", "early"] {
        let name = format!("the_response_is_what_the_load_saw::{deed}");
        trials.push(trial(&name, move || {
            let when = if deed == "early" { "load" } else { "sample" };
            judged_by_the_load(&passes(&serving(&format!("{deed}@{when}")).run()));
        }));
    }
    for (deed, words) in [
        (
            "unserved",
            "wrong answer: it answered without having served",
        ),
        ("elsewhere", "failed: the server has to listen"),
    ] {
        let name = format!("a_load_that_did_not_take_place_wins_nothing::{deed}");
        trials.push(trial(&name, move || {
            let comparison = serving(&format!("{deed}@sample")).args(["--patience", "3s"]);
            let finished = comparison.run();
            let results = finished.results();
            let row = cell(&results, "foreign");
            let error = row.error.as_deref().unwrap_or_default();
            // With `elsewhere` the contestant waits for sessions that never come.
            assert!(
                error.starts_with(words) || (deed == "elsewhere" && error.starts_with("hung")),
                "{error}"
            );
            finished.nothing_left();
        }));
    }
    trials
}

/// Whether a warning is about a timeline.
fn is_odd(warning: &str) -> bool {
    warning.starts_with("foreign on tiny: its timeline is left out: ")
}

fn warned(results: &Results) -> bool {
    results.warnings.iter().any(|text| is_odd(text))
}

fn serving(deeds: &str) -> Comparison {
    let text = TINY.replace("\"map\"", SERVED);
    let text = text.replace("compute = \"100us\"", "wait = \"1ms\"");
    bring(Comparison::quick(&text), deeds)
}

fn judged_by_the_load(results: &Results) {
    let row = cell(results, "foreign");
    let response = row.response_ns.expect("a response").median;
    assert!(response >= LEAST_NS, "{row:#?}");
    let said = row.samples[0].metrics["response_p99_ns"];
    assert!(said >= LEAST_NS, "{row:#?}");
}
