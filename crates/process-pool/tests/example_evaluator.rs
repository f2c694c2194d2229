//! The example `evaluator`, started as a program.
//!
//! AddressSanitizer reserves more memory than its workers may have.
#![cfg(not(address_sanitizer))]

#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/evaluator.rs"]
mod evaluator;
#[path = "support/example.rs"]
mod example;

use example::{Ended, refuses, run, start};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(evaluator::run);
}

/// The line of an expression. Workers print lines of the test program in between.
#[track_caller]
fn answer<'e>(ended: &'e Ended, expression: &str) -> &'e str {
    let mut lines = ended.stdout.lines();
    let found = lines.find_map(|line| line.strip_prefix(expression));
    found.unwrap_or_else(|| panic!("no answer to {expression}: {ended:?}"))
}

#[test]
fn sound_expressions_are_evaluated_from_left_to_right() {
    let all = ["1 + 2 * 3", "1 + (2 * 3)", "2^10", "[5]", "7/2 - 4"];
    let ended = run(&[&["--limit-ms", "120000"][..], &all].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for (expression, value) in all.iter().zip(["9", "7", "1024", "10", "-1"]) {
        assert_eq!(answer(&ended, expression), format!(" = {value}"));
    }
}

#[test]
fn hostile_expressions_cost_only_their_own_answer() {
    let deep = "(".repeat(1_000_000);
    let mut running = start(&["--limit-ms", "120000", "-"]);
    running.write(&format!("1 + 1\n1 / 0\n{deep}\n2 +\n[2 ^ 40]\n2 + 2\n"));
    let ended = running.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(answer(&ended, "1 + 1"), " = 2");
    assert_eq!(answer(&ended, "2 + 2"), " = 4");
    assert!(
        answer(&ended, "1 / 0: ").contains("no number of 128 bits"),
        "{ended:?}"
    );
    assert!(
        answer(&ended, &deep[..40]).starts_with(": the worker"),
        "{ended:?}"
    );
    assert!(answer(&ended, "2 +: ").contains("a number"), "{ended:?}");
    assert!(
        answer(&ended, "[2 ^ 40]: ").contains("memory limit"),
        "{ended:?}"
    );
}

#[test]
fn endless_expression_ends_at_its_time_limit() {
    let ended = run(&["--limit-ms", "50", "1 ^ (2 ^ 100)"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        answer(&ended, "1 ^ (2 ^ 100): ").contains("its limit of 50ms"),
        "{ended:?}"
    );
}

#[test]
fn bad_arguments_are_refused() {
    for number in ["0", "-1", "soon"] {
        refuses(
            &["--limit-ms", number, "1"],
            "--limit-ms needs a number of at least 1",
        );
    }
    refuses(&["--limit-ms"], "--limit-ms needs a number of at least 1");
    refuses(&["--fast"], "no option --fast");
}
