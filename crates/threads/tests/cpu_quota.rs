//! How many threads run at once under a CPU quota.
#![cfg(target_os = "linux")]

mod quota;
mod support;

use std::thread;
use std::time::Duration;

use effective_threads::Threads;
use quota::under_a_quota;
use support::Gauge;

#[test]
fn a_limit_to_cores_heeds_a_cpu_quota() {
    under_a_quota("a_limit_to_cores_heeds_a_cpu_quota", 100, || {
        let gauge = Gauge::default();
        Threads::new().limit_to_cores().map(0..10, |_| {
            gauge.during(|| thread::sleep(Duration::from_millis(2)));
        });
        assert_eq!(gauge.peak(), 1);
    });
}
