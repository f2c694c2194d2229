//! The page on workloads, compared with the parser.

use workload::definition::{load, parse};

const PAGE: &str = include_str!("../../docs/workloads.md");

/// The page's first example; the crate's own tests read it from a file that travels with the crate.
const ORDERS: &str = include_str!("../../crates/workload/tests/orders.toml");

/// The trace that one of the examples replays.
const TRACE: &str = include_str!("../../crates/workload/fuzz/seeds/trace/two.jsonl");

fn toml_blocks() -> impl Iterator<Item = &'static str> {
    PAGE.split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("a split has a first part"))
}

#[test]
fn the_first_example_is_the_one_that_the_crate_tests() {
    assert_eq!(toml_blocks().next(), Some(ORDERS));
}

#[test]
fn every_example_of_the_page_is_good() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.jsonl"), TRACE).unwrap();
    for text in toml_blocks() {
        let path = folder.path().join("page.toml");
        std::fs::write(&path, text).unwrap();
        load(&path).unwrap();
    }
    assert_eq!(toml_blocks().count(), 6);
}

#[test]
fn the_errors_on_the_page_are_real() {
    let from_to = [
        ("tasks = 200", "taks = 200"),
        ("tasks = 200", "tasks = 0"),
        ("wait = \"3ms\"", "wait = \"3min\""),
        ("[\"1ms\", \"5ms\"]", "[\"5ms\", \"1ms\"]"),
        ("[\"50ms\", 0.1]", "[\"50ms\", 0.2]"),
        ("# a fixed time\n", "\ncompute = \"1ms\"\n"),
        ("\"map\"", "\"mapp\""),
    ];
    let mut errors = String::new();
    for (from, to) in from_to {
        assert!(ORDERS.contains(from), "{from}");
        let error = parse(&ORDERS.replacen(from, to, 1), "orders.toml").expect_err(to);
        errors += &format!("{error}\n");
    }
    assert!(
        PAGE.contains(&format!("```text\n{errors}```\n")),
        "the page should say\n{errors}"
    );
}
