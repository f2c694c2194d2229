//! The descendants of a contestant end with it, wherever they hide. That a sleeper still holds the
//! pipe must not keep the comparison waiting either.

use libtest_mimic::Trial;

use crate::scene::{fails, passes, trial, with};

/// In the same session; leading one; orphaned as well; and without the environment it was born
/// with.
const KINDS: [&str; 4] = ["child", "session", "orphan", "wiped"];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for deed in ["fork", "forksession"] {
        let name = format!("children_without_end_all_end::{deed}");
        trials.push(trial(&name, move || {
            let comparison = with(&format!("{deed}@sample")).args(["--patience", "1s"]);
            fails(&comparison.run(), "hung: no answer to `sample`");
        }));
    }
    for kind in KINDS {
        let name =
            |how: &str| format!("no_descendant_outlives_a_contestant::{kind}_of_one_that_{how}");
        trials.push(trial(&name("behaves"), move || {
            passes(&with(&format!("{kind}@load")).run());
        }));
        trials.push(trial(&name("crashes"), move || {
            let comparison = with(&format!("{kind}@load,exit@sample"));
            fails(&comparison.run(), "crashed: ended with exit status: 3");
        }));
        trials.push(trial(&name("hangs"), move || {
            let comparison = with(&format!("{kind}@load,silent@sample"));
            let finished = comparison.args(["--patience", "1s"]).run();
            fails(&finished, "hung: no answer to `sample`");
        }));
        trials.push(trial(&name("says_no_version"), move || {
            let comparison = with(&format!("{kind}@hello,noversion@hello"));
            fails(&comparison.run(), "it did not say its version");
        }));
    }
    trials
}
