//! `timeout` and `deadline`.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use crate::support::{Gauge, eventually, on_each_runtime};
use crate::tasks::{deadline, map, timeout};

const SOON: Duration = Duration::from_millis(2);

#[test]
fn future_that_ends_in_time_has_its_value() {
    on_each_runtime(async || {
        assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, ready(8)).await, Ok(8));
    });
}

#[test]
fn late_future_is_dropped() {
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
            "timed out after 2ms: allow more time"
        );
    });
}

#[test]
fn late_map_leaves_no_task() {
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
        eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn several_futures_share_a_deadline() {
    on_each_runtime(async || {
        let end = Instant::now() + Duration::from_secs(3_600);
        assert_eq!(deadline(end, ready(1)).await, Ok(1));
        assert_eq!(deadline(end, async { 2 }).await, Ok(2));
        let soon = Instant::now() + SOON;
        let late = deadline(soon, pending::<()>()).await.unwrap_err();
        assert!(late.after() <= SOON);
        assert!(Instant::now() >= soon);
    });
}

#[test]
fn future_is_polled_once_after_its_deadline() {
    on_each_runtime(async || {
        let past = Instant::now();
        assert_eq!(deadline(past, ready(1)).await, Ok(1));
        let late = deadline(past, pending::<()>()).await.unwrap_err();
        assert_eq!(late.after(), Duration::ZERO);
    });
}

#[test]
fn timeout_too_long_for_the_clock_is_no_limit() {
    on_each_runtime(async || {
        let forever = timeout(Duration::MAX, crate::support::turns(3));
        assert_eq!(forever.await, Ok(()));
    });
}

#[test]
fn future_that_is_always_woken_times_out() {
    on_each_runtime(async || {
        let busy = std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        });
        assert!(timeout(SOON, busy).await.is_err());
    });
}
