//! Functions that fail: each is one line, or a row, that says so.

use crate::built::comparison;
use crate::support::cell;

/// The comparison ends with status 1 and a line that has all these words.
#[track_caller]
fn fails(case: &str, args: &[&str], words: &[&str]) {
    let finished = comparison(case, &["sequential"]).args(args).run();
    assert_eq!(
        finished.code(),
        1,
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    let all = format!("{}\n{}", finished.stderr, finished.stdout);
    // A warning in the tables is wrapped.
    let told = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(told.contains(word), "no {word:?} in: {all}");
    }
    finished.nothing_left();
}

#[test]
fn panic_names_its_task() {
    fails(
        "panic",
        &[],
        &[
            "error: the job `strange-function`: ",
            "task 3: panicked: the third is too much",
        ],
    );
}

#[test]
fn error_is_shown_by_its_first_line() {
    fails(
        "error",
        &[],
        &[
            "error: the job `strange-function`: ",
            "task 3: the third is refused",
        ],
    );
}

#[test]
fn call_that_does_not_end_is_given_up() {
    fails(
        "hang",
        &["--patience", "1s"],
        &[
            "a call of its function did not end within 1 s",
            "--patience",
        ],
    );
}

#[test]
fn outputs_that_differ_between_runs_are_noticed() {
    fails(
        "outputs differ",
        &[],
        &["gave two outputs", ".unrepeatable()"],
    );
}

#[test]
fn inputs_that_differ_between_processes_are_noticed() {
    fails(
        "inputs differ",
        &[],
        &["`inputs(20, 1)` returned other inputs in another process"],
    );
}

#[test]
fn inputs_that_are_too_few_or_panic_are_told() {
    fails("few", &[], &["`inputs(20, 1)` returned 19 inputs"]);
    fails(
        "inputs panic",
        &[],
        &["`inputs(20, 1)` panicked: no inputs today"],
    );
}

#[test]
fn failure_in_one_model_is_its_row() {
    let finished = comparison("in threads", &["threads"]).run();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    let results = finished.results();
    let error = cell(&results, "threads").error.as_deref();
    assert!(
        error.is_some_and(|error| error.contains("only in main")),
        "{error:?}"
    );
    assert!(cell(&results, "sequential").verified);
}
