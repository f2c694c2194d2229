//! The example of Item 59 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_59.rs"]
mod item_59;

#[test]
fn example_of_item_59_holds_its_assertions() {
    in_time::in_time(|| item_59::run(std::time::Duration::from_millis(1)).expect("the jobs run"));
}
