//! The example of Item 57 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_57.rs"]
mod item_57;

#[test]
fn example_of_item_57_holds_its_assertions() {
    in_time::in_time(|| item_57::run(std::time::Duration::from_millis(1)));
}
