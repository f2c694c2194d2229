//! The example of Item 62 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_62.rs"]
mod item_62;

#[test]
fn example_of_item_62_holds_its_assertions() {
    in_time::in_time(|| item_62::run().expect("both halves answer"));
}
