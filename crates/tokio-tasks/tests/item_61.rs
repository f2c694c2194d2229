//! The port of the line server, the example of Item 61, as a test under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_61.rs"]
mod item_61;

#[test]
fn ported_example_of_item_61_holds_its_assertions() {
    in_time::in_time(|| item_61::run().expect("the server answers"));
}
