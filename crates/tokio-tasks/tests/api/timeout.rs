//! `timeout` and `deadline`.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use crate::runtime::sleep;
use crate::support::{Gauge, eventually, on_each_runtime, turns};
use crate::tasks::{deadline, map, timeout};

const SOON: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_secs(1_000);

#[test]
fn future_that_ends_in_time_has_its_value() {
    on_each_runtime(async || {
        assert_eq!(timeout(LATE, turns(3)).await, Ok(()));
        assert_eq!(timeout(LATE, sleep(SOON)).await, Ok(()));
        assert_eq!(deadline(Instant::now() + LATE, sleep(SOON)).await, Ok(()));
        assert_eq!(timeout(Duration::ZERO, ready(8)).await, Ok(8));
    });
}

#[test]
fn late_future_is_dropped() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let (live, start) = (gauge.enter(), Instant::now());
        let late = timeout(SOON, async move {
            let _live = live;
            pending::<()>().await;
        })
        .await;
        assert!(start.elapsed() >= SOON);
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
        assert_eq!(timeout(Duration::MAX, turns(3)).await, Ok(()));
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

#[test]
fn timeout_counts_from_the_first_poll() {
    on_each_runtime(async || {
        let later = timeout(SOON * 5, async { sleep(SOON).await });
        sleep(SOON * 10).await;
        assert!(later.await.is_ok());
    });
}

#[test]
fn each_future_of_a_map_has_its_own_timeout() {
    on_each_runtime(async || {
        let results = map(0..20, |n| {
            timeout(SOON, async move {
                if n % 2 == 0 {
                    pending::<()>().await;
                }
            })
        })
        .await;
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap().is_err(), n % 2 == 0);
        }
    });
}
