//! The example of Item 58 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_58.rs"]
mod item_58;

#[test]
fn example_of_item_58_holds_its_assertions() {
    in_time::in_time(|| item_58::run(std::time::Duration::from_millis(1)).expect("the stages run"));
}
