//! The example of Item 56 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_56.rs"]
mod item_56;

#[test]
fn example_of_item_56_holds_its_assertions() {
    in_time::in_time(|| item_56::run(std::time::Duration::from_millis(1)));
}
