//! `timeout`.

mod support;

use std::future::{pending, ready};
use std::time::Duration;

use support::{Gauge, on_each_runtime};
use tokio_tasks::{map, timeout};

const SOON: Duration = Duration::from_millis(2);

#[test]
fn what_is_done_in_time_is_a_value() {
    on_each_runtime(async || {
        assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, ready(8)).await, Ok(8));
    });
}

#[test]
fn what_is_late_is_dropped_and_an_error() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let live = gauge.enter();
        let late = timeout(SOON, async move {
            let _live = live;
            pending::<()>().await;
        })
        .await;
        assert_eq!(gauge.live(), 0);
        assert_eq!(late.unwrap_err().after(), SOON);
        assert_eq!(
            late.unwrap_err().to_string(),
            "not done within 2ms and dropped: allow more time"
        );
    });
}

#[test]
fn a_map_that_is_late_leaves_no_task() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let late = timeout(
            SOON,
            map(0..50, |_| {
                let live = gauge.enter();
                async move {
                    pending::<()>().await;
                    drop(live);
                }
            }),
        )
        .await;
        assert!(late.is_err());
        support::eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}
