//! The example `merge_logs` as a test, under a hard deadline.

#[path = "support/in_time.rs"]
mod in_time;

#[allow(dead_code, reason = "`main` belongs to the example")]
#[path = "../examples/merge_logs.rs"]
mod merge_logs;

#[test]
fn both_directions_merge_every_line_once_and_in_order() {
    in_time::in_time(|| merge_logs::run().expect("the logs are merged"));
}
