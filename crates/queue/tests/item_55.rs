//! The example of Item 55 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_55.rs"]
mod item_55;

#[test]
fn example_of_item_55_holds_its_assertions() {
    in_time::in_time(item_55::run);
}
