//! The example of Item 54 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_54.rs"]
mod item_54;

#[test]
fn example_of_item_54_holds_its_assertions() {
    in_time::in_time(item_54::run);
}
