//! Answers that are no answer: wrong digests, times that cannot be, replies to something else.

use libtest_mimic::Trial;

use crate::scene::{fails, passes, trial, with, with_logs, with_pattern, with_work};
use crate::support::cell;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("a_wrong_digest_is_an_error_at_the_first_sample", || {
            let results = fails(&with("wrong@sample").run(), "wrong answer: its outputs");
            assert!(cell(&results, "foreign").samples.is_empty());
        }),
        trial("a_wrong_digest_is_an_error_at_a_later_sample", || {
            let comparison = with("wrong@sample3").budget("5s");
            let results = fails(&comparison.run(), "wrong answer: its outputs");
            let samples = &cell(&results, "foreign").samples;
            assert_eq!(samples.len(), 2, "the right ones before are kept");
        }),
        trial("a_wrong_digest_is_an_error_in_the_trace", || {
            fails(&with("wrong@trace").run(), "wrong answer: its outputs");
        }),
        trial("a_contestant_that_says_that_it_failed_is_quoted", || {
            fails(&with("fail@sample").run(), "failed: the model said no");
            fails(&with("fail@hello").run(), "failed: the model said no");
        }),
        trial("a_reply_to_something_else_is_an_error", || {
            fails(&with("mistake@sample").run(), "answered `sample` with {");
            fails(
                &with("unsupported@sample").run(),
                "answered `sample` with {",
            );
        }),
        trial(
            "unsupported_after_a_sample_is_an_error_and_no_excuse",
            || {
                let comparison = with("unsupported@trace");
                fails(&comparison.run(), "answered `trace` with {");
            },
        ),
    ];
    trials.push(trial(
        "work_done_in_next_to_no_time_is_a_wrong_answer",
        || {
            let finished = with_work("instant@sample").run();
            fails(&finished, "wrong answer: it claims 0.000 ms for work");
        },
    ));
    for (name, pattern) in [
        ("map", "\"map\""),
        ("sum", "\"fold\""),
        ("histogram", "\"fold\"\nfold.keys = 3"),
        ("rounds", "\"rounds\"\nrounds.generations = 4"),
        ("pipeline", "\"pipeline\"\npipeline.buffer = 2"),
        ("serve", "\"serve\"\nserve.rate = 100\nserve.seconds = 0.1"),
    ] {
        trials.push(trial(
            &format!("one_wrong_value_in_any_pattern_is_a_wrong_answer::{name}"),
            move || {
                passes(&with_pattern(pattern, "").run());
                fails(
                    &with_pattern(pattern, "plant@sample").run(),
                    "wrong answer: its outputs",
                );
                fails(
                    &with_pattern(pattern, "plant@trace").run(),
                    "wrong answer: its outputs",
                );
            },
        ));
    }
    trials.push(trial(
        "one_wrong_value_in_any_pattern_is_a_wrong_answer::merge",
        || {
            passes(&with_logs("").run());
            let wrong = "wrong answer: its outputs";
            fails(&with_logs("plant@sample").run(), wrong);
            fails(&with_logs("plant@trace").run(), wrong);
        },
    ));
    trials.push(trial(
        "one_wrong_value_is_found_at_every_number_of_tasks",
        || {
            let sizes = ["--tasks", "1,7,300"];
            let finished = with("plant@sample").args(sizes).run();
            let results = finished.results();
            assert_eq!(finished.code(), 1, "{}", finished.stderr);
            let foreign: Vec<_> = results
                .cells
                .iter()
                .filter(|cell| cell.model == "foreign")
                .collect();
            assert_eq!(foreign.len(), 3);
            for cell in foreign {
                let error = cell.error.as_deref().unwrap_or_default();
                assert!(error.starts_with("wrong answer: its outputs"), "{error}");
            }
        },
    ));
    for (deed, words) in [
        ("zero@sample", "wrong answer: it claims 0 ns, "),
        ("late@sample", "wrong answer: it claims 100"),
        ("ever@sample", "wrong answer: it claims"),
        ("late@load", "wrong answer: it claims"),
    ] {
        trials.push(trial(
            &format!("an_impossible_time_is_a_wrong_answer::{deed}"),
            move || {
                fails(&with(deed).run(), words);
            },
        ));
    }
    trials
}
