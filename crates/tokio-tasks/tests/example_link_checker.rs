//! The example `link_checker` of `tokio-tasks`, started as a program.

#[path = "support/link_checker.rs"]
mod checks;
#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/link_checker.rs"]
mod link_checker;

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(link_checker::run);
}
