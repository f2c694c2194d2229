//! A comparison that is killed leaves nothing running.

use rustix::process::Signal;

use crate::support::{Comparison, processes_with, wait_until};

#[test]
fn grandchildren_end_when_the_comparison_is_killed() {
    // The length identifies the processes of this test.
    let length = format!("1000.{:09}", std::process::id());
    let script = format!("setsid sleep {length} & sleep {length} & wait");
    // The contestant never sends a hello, and its children hold its output open.
    let running = Comparison::tiny()
        .runner("sleeper", &["sh", "-c", &script])
        .start();
    wait_until("its children", || processes_with(&length).len() >= 2);
    running.signal(Signal::KILL);
    wait_until("the end of all", || processes_with(&length).is_empty());
}
