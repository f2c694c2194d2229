//! The example of Item 60 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_60.rs"]
mod item_60;

#[test]
fn example_of_item_60_holds_its_assertions() {
    in_time::in_time(|| {
        item_60::run(std::time::Duration::from_millis(5)).expect("the server answers");
    });
}
