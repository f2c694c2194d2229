//! Contestants that live on and say nothing.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::scene::{fails, passes, trial, with};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("closed_output_is_noticed_at_once", || {
            for deed in ["close@load", "close@sample"] {
                let finished = with(deed).run();
                fails(&finished, "closed its output instead of answering");
            }
        }),
        trial("a_contestant_that_will_not_go_is_killed", || {
            passes(&with("deaf").run());
        }),
        trial("one_that_hangs_and_will_not_go_is_killed", || {
            let comparison = with("deaf,silent@sample").args(["--patience", "1s"]);
            fails(&comparison.run(), "hung: no answer to `sample`");
        }),
    ];
    for request in ["hello", "load", "sample", "trace"] {
        let name = format!("a_contestant_that_never_answers_is_given_up::{request}");
        trials.push(trial(&name, move || {
            let comparison = with(&format!("silent@{request}")).args(["--patience", "1s"]);
            let finished = comparison.run();
            fails(
                &finished,
                &format!("hung: no answer to `{request}` within 1"),
            );
            assert!(finished.took > Duration::from_secs(1));
        }));
    }
    trials
}
