//! The example of Item 63 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_63.rs"]
mod item_63;

#[test]
fn example_of_item_63_holds_its_assertions() {
    in_time::in_time(|| {
        item_63::run(std::time::Duration::from_millis(200)).expect("the loop turns");
    });
}
