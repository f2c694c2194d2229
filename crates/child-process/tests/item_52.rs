//! The example of Item 52 as a test, under a hard deadline.

use std::time::Duration;

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/item_52.rs"]
mod item_52;

#[test]
fn example_of_item_52_holds_its_assertions() {
    in_time::in_time(|| {
        // A busy machine may take seconds to start a shell that says the id of its child.
        let (second, limit) = (Duration::from_millis(200), Duration::from_secs(5));
        item_52::run(second, limit).expect("the children run");
    });
}
