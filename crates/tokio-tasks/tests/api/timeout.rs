//! `timeout`.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use crate::support::{Gauge, PanicsInDrop, eventually, on_each_runtime};
use crate::tasks::{deadline, map, timeout};

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
        eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn a_deadline_is_a_timeout_that_several_share() {
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
fn a_deadline_in_the_past_leaves_one_poll() {
    on_each_runtime(async || {
        let past = Instant::now();
        assert_eq!(deadline(past, ready(1)).await, Ok(1));
        let late = deadline(past, pending::<()>()).await.unwrap_err();
        assert_eq!(late.after(), Duration::ZERO);
    });
}

#[test]
fn the_longest_time_there_is_is_no_problem() {
    on_each_runtime(async || {
        let forever = timeout(Duration::MAX, crate::support::turns(3));
        assert_eq!(forever.await, Ok(()));
    });
}

#[test]
fn a_late_future_that_panics_in_its_drop_is_late() {
    on_each_runtime(async || {
        let late = timeout(SOON, async {
            let _bomb = PanicsInDrop;
            pending::<()>().await;
        })
        .await;
        assert!(late.is_err());
    });
}

#[test]
fn the_clock_is_read_beside_a_future_that_is_always_woken() {
    on_each_runtime(async || {
        let busy = std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        });
        assert!(timeout(SOON, busy).await.is_err());
    });
}
