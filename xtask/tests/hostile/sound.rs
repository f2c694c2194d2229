//! Odd but correct contestants: no error.

use libtest_mimic::Trial;

use crate::scene::{fails, passes, trial, with, with_waits, with_work};
use crate::support::{Comparison, TINY, cell, verified};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_foreign_contestant_is_measured_like_any_other", || {
            let results = passes(&with("").budget("5s").run());
            assert_eq!(results.environment.versions["foreign"], "1.2.3");
        }),
        trial(
            "a_flood_on_standard_error_is_no_answer_and_no_fault",
            || {
                for deeds in ["flood@hello", "flood@sample", "flood@trace"] {
                    passes(&with(deeds).run());
                }
            },
        ),
        trial("a_claim_of_endless_cpu_time_harms_nobody", || {
            passes(&with("greedy@sample").budget("5s").run());
        }),
        trial("work_of_an_orphan_is_counted", || {
            let results = passes(&with_work("remember@load,orphaned@sample").run());
            let sample = &cell(&results, "foreign").samples[0];
            assert!(sample.cpu_ns >= 500_000_000, "{sample:?}");
        }),
        trial("burning_the_cpu_between_samples_is_warned_of", || {
            let results = passes(&with_waits("burn").budget("3s").run());
            let warned = |line: &String| line.contains("foreign") && line.contains("used the CPU");
            assert!(
                results.warnings.iter().any(warned),
                "{:?}",
                results.warnings
            );
        }),
        trial("unsupported_is_skipped_with_its_reason", || {
            let finished = with("unsupported@load").run();
            let results = finished.results();
            assert_eq!(finished.code(), 0, "{}", finished.stderr);
            verified(&results, "sequential");
            assert!(results.cells.iter().all(|cell| cell.model != "foreign"));
            let [skipped] = &results.skipped[..] else {
                panic!("{:?}", results.skipped);
            };
            assert_eq!(skipped.model, "foreign");
            assert_eq!(skipped.reason, "this one only waits");
            finished.nothing_left();
        }),
        trial("one_fault_does_not_spoil_the_next_workload", || {
            let comparison = with("wrong@sample");
            let second = comparison.file("second.toml", &TINY.replace("tiny", "second"));
            let second = second.to_str().expect("UTF-8").to_owned();
            let finished = comparison.args(["--workload-file", &second]).run();
            let results = finished.results();
            assert_eq!(finished.code(), 1);
            assert_eq!(results.workloads.len(), 2);
            let wrong = results.cells.iter().filter(|cell| cell.error.is_some());
            assert_eq!(wrong.count(), 2, "{:#?}", results.cells);
            let right = results.cells.iter().filter(|cell| cell.verified);
            assert_eq!(right.count(), 2, "{:#?}", results.cells);
        }),
        trial("several_at_once_each_have_their_row", || {
            let comparison = with("exit@sample");
            let own = std::env::current_exe().expect("this program");
            let tag = comparison.tag();
            let own = own.to_str().expect("UTF-8");
            let finished = comparison
                .runner("good", &[own, "contestant", "", &tag])
                .runner("bad", &[own, "contestant", "wrong@sample", &tag])
                .run();
            let results = fails(&finished, "crashed: ");
            verified(&results, "good");
        }),
        trial("the_calibration_is_done_where_no_figure_is_given", || {
            let finished = Comparison::new()
                .workload(TINY)
                .args(["--model", "sequential", "--budget", "0s"])
                .run();
            assert!(finished.results().environment.iterations_per_us > 0);
        }),
    ]
}
