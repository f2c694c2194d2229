//! The example of Item 52 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_52.rs"]
mod item_52;

#[test]
fn example_of_item_52_holds_its_assertions() {
    in_time::in_time(|| {
        item_52::run(std::time::Duration::from_millis(200)).expect("the children run");
    });
}
