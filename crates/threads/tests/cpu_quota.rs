//! The limit of threads under a CPU quota.
#![cfg(target_os = "linux")]

mod quota;
mod support {
    pub(crate) mod gauge;
}

use std::thread;
use std::time::Duration;

use effective_threads::Threads;
use quota::under_a_quota;
use support::gauge::Gauge;

#[test]
fn limit_to_cores_honours_a_cpu_quota() {
    under_a_quota("limit_to_cores_honours_a_cpu_quota", 100, || {
        let gauge = Gauge::default();
        Threads::new().limit_to_cores().map(0..10, |_| {
            gauge.during(|| thread::sleep(Duration::from_millis(2)));
        });
        assert_eq!(gauge.peak(), 1);
    });
}
