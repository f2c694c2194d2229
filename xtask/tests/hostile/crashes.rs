//! Contestants that end when an answer is due.

use libtest_mimic::Trial;

use crate::scene::{fails, trial, with};
use crate::support::cell;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for request in ["hello", "load", "sample", "trace"] {
        for (deed, how) in [
            ("exit", "exit status: 3"),
            ("end", "exit status: 0"),
            ("abort", "signal: 6 (SIGABRT)"),
            ("segv", "signal: 11 (SIGSEGV)"),
            ("panic", "exit status: 101"),
        ] {
            // Each way of ending at one request, and each request with one way.
            if deed != "exit" && request != "sample" {
                continue;
            }
            let name = format!("a_crash_is_a_row_that_says_how::{deed}@{request}");
            trials.push(trial(&name, move || {
                let finished = with(&format!("{deed}@{request}")).run();
                let results = fails(&finished, &format!("crashed: ended with {how}"));
                let error = cell(&results, "foreign")
                    .error
                    .as_deref()
                    .unwrap_or_default();
                assert!(error.contains(&format!("answering `{request}`")), "{error}");
                let words = error.ends_with("its last words: no luck today");
                assert_eq!(words, deed == "panic", "{error}");
            }));
        }
    }
    trials
}
