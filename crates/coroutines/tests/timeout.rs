//! `timeout` and `deadline`.

mod support;

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use async_io::Timer;
use effective_coroutines::{deadline, map, timeout};
use support::{Gauge, on_each_executor, turns};

const SOON: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_secs(1_000);

#[test]
fn future_that_ends_in_time_has_its_value() {
    on_each_executor(async || {
        assert_eq!(timeout(LATE, async { turns(3).await }).await, Ok(()));
        assert!(timeout(LATE, Timer::after(SOON)).await.is_ok());
        assert!(
            deadline(Instant::now() + LATE, Timer::after(SOON))
                .await
                .is_ok()
        );
    });
}

#[test]
fn late_future_is_dropped() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let start = Instant::now();
        let late = timeout(SOON, gauge.task(usize::MAX, ())).await.unwrap_err();
        assert_eq!(late.after(), SOON);
        assert!(start.elapsed() >= SOON);
        assert_eq!((gauge.made(), gauge.live()), (1, 0));

        let late = deadline(Instant::now() + SOON, pending::<()>())
            .await
            .unwrap_err();
        assert!(late.after() <= SOON);
    });
}

#[test]
fn ready_future_succeeds_after_the_deadline() {
    on_each_executor(async || {
        assert_eq!(timeout(Duration::ZERO, ready(1)).await, Ok(1));
        let past = Instant::now().checked_sub(SOON).unwrap();
        assert_eq!(deadline(past, ready(1)).await, Ok(1));
        assert_eq!(
            deadline(past, pending::<()>()).await.unwrap_err().after(),
            Duration::ZERO
        );
    });
}

#[test]
fn timeout_too_long_for_the_clock_is_no_limit() {
    on_each_executor(async || {
        assert_eq!(
            timeout(Duration::MAX, async { turns(2).await }).await,
            Ok(())
        );
    });
}

#[test]
fn timeout_counts_from_the_first_poll() {
    on_each_executor(async || {
        let later = timeout(SOON * 5, Timer::after(SOON));
        Timer::after(SOON * 10).await;
        assert!(later.await.is_ok());
    });
}

#[test]
fn each_future_of_a_map_has_its_own_timeout() {
    on_each_executor(async || {
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
