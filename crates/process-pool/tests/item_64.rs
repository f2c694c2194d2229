//! The example of Item 64 as a test. The pool's time limit bounds its jobs.

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_64.rs"]
mod item_64;

// A worker is this test, started again, so `run` is called on the thread of the test.
#[test]
fn example_of_item_64_holds_its_assertions() {
    item_64::run().expect("the jobs run");
}
