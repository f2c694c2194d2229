//! The example of Item 53 as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_53.rs"]
mod item_53;

#[test]
fn example_of_item_53_holds_its_assertions() {
    in_time::in_time(|| {
        item_53::run(std::time::Duration::from_millis(20)).expect("the calls wait");
    });
}
