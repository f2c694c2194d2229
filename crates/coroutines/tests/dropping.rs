//! Cancellation of every combinator: each is dropped after the first poll, after the second, and so
//! on to its end. Each future is completed or dropped once, and nothing is lost.

mod support;

use std::cell::RefCell;
use std::future::Future;
use std::num::NonZeroUsize;
use std::task::Poll;
use std::time::{Duration, Instant};

use effective_coroutines::{
    Backoff, Retry, TaskGroup, Tasks, as_completed, deadline, first_completed, gather, map, timeout,
};
use support::{Gauge, bounded, poll_once};

const LONG: Duration = Duration::from_secs(10_000);

/// Makes a future and drops it after 0 polls, makes another and drops it after 1, and so on; each
/// must leave nothing behind. One task is woken before each poll. Returns the number of polls to
/// the end.
fn dropped_at_every_poll<F: Future>(make: impl Fn(Gauge) -> F) -> usize {
    for polls in 0..100_000 {
        let gauge = Gauge::default();
        let mut future = Box::pin(make(gauge.clone()));
        let ended = (0..polls).any(|_| {
            gauge.wake_next();
            poll_once(future.as_mut()).is_ready()
        });
        drop(future);
        assert_eq!(gauge.live(), 0, "after {polls} polls");
        assert!(gauge.completed() <= gauge.made());
        if ended {
            assert!(gauge.made() > 0);
            return polls;
        }
    }
    panic!("the future never ends");
}

/// The number of tasks, which wait 0 to 6 times each. They do not fit into one chunk.
const COUNT: usize = 100;

/// A lower bound on the number of polls that all of them take.
const POLLS: usize = 250;

#[test]
fn map_may_be_dropped_at_any_poll() {
    bounded(|| {
        let polls = dropped_at_every_poll(async |gauge| {
            map(0..COUNT, |n| gauge.waiting_task(n % 7, n)).await;
        });
        assert!(
            polls > POLLS,
            "only {polls} polls: it was not dropped after each wake"
        );
        for limit in [1, 3, 64, 65] {
            let tasks = Tasks::new().limit(NonZeroUsize::new(limit).unwrap());
            dropped_at_every_poll(async |gauge| {
                tasks.map(0..COUNT, |n| gauge.waiting_task(n % 7, n)).await
            });
        }
    });
}

#[test]
fn dropped_map_leaves_untaken_inputs() {
    bounded(|| {
        let tasks = Tasks::new().limit(NonZeroUsize::new(3).unwrap());
        for polls in 0.. {
            let gauge = Gauge::default();
            let mut inputs = 0..COUNT;
            let mut future = Box::pin(tasks.map(&mut inputs, |n| gauge.waiting_task(n % 7, n)));
            let ended = (0..polls).any(|_| {
                gauge.wake_next();
                poll_once(future.as_mut()).is_ready()
            });
            drop(future);
            assert_eq!(
                inputs.start,
                gauge.made(),
                "every taken input became a task"
            );
            if ended {
                assert_eq!((inputs, gauge.completed()), (COUNT..COUNT, COUNT));
                return;
            }
        }
    });
}

#[test]
fn gather_may_be_dropped_at_any_poll() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            gather((0..COUNT).map(|n| gauge.waiting_task(n % 7, n))).await
        });
    });
}

#[test]
fn as_completed_may_be_dropped_at_any_poll() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            let mut completed = as_completed(0..COUNT, |n| gauge.waiting_task(n % 7, n));
            let mut seen = 0;
            while completed.next().await.is_some() {
                seen += 1;
                assert_eq!(
                    seen,
                    gauge.completed(),
                    "every task that ended was returned"
                );
            }
            assert_eq!(seen, COUNT);
        });
    });
}

#[test]
fn next_may_be_dropped_at_any_poll() {
    bounded(|| {
        // Only the wait for the next item is dropped, again and again; the stream stays.
        for polls in 1..5 {
            let gauge = Gauge::default();
            let mut completed = as_completed(0..COUNT, |n| gauge.waiting_task(n % 7, n));
            let mut indices = Vec::new();
            'all: loop {
                let mut next = Box::pin(completed.next());
                for _ in 0..polls {
                    match poll_once(next.as_mut()) {
                        Poll::Ready(Some((index, _))) => {
                            indices.push(index);
                            break;
                        }
                        Poll::Ready(None) => break 'all,
                        Poll::Pending => gauge.wake_next(),
                    }
                }
            }
            indices.sort_unstable();
            assert!(indices.into_iter().eq(0..COUNT));
            assert_eq!((gauge.live(), gauge.completed()), (0, COUNT));
        }
    });
}

#[test]
fn first_completed_may_be_dropped_at_any_poll() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            let (index, _) = first_completed((0..COUNT).map(|n| gauge.waiting_task(5 + n, n)))
                .await
                .unwrap();
            assert!(index < COUNT);
        });
    });
}

#[test]
fn timeout_and_deadline_may_be_dropped_at_any_poll() {
    bounded(|| {
        dropped_at_every_poll(|gauge| timeout(LONG, gauge.waiting_task(5, ())));
        dropped_at_every_poll(|gauge| deadline(Instant::now() + LONG, gauge.waiting_task(5, ())));
    });
}

#[test]
fn retry_may_be_dropped_at_any_poll() {
    bounded(|| {
        let retry = Retry::new()
            .attempts(NonZeroUsize::new(4).unwrap())
            .backoff(Backoff::none());
        for retry in [retry, retry.timeout(LONG)] {
            dropped_at_every_poll(async |gauge| {
                let failing =
                    retry.run(|attempt| gauge.waiting_task(attempt, Err::<(), _>(attempt)));
                assert_eq!(failing.await.unwrap_err().attempts(), 4);
            });
        }
    });
}

#[test]
fn group_may_be_dropped_at_any_poll() {
    bounded(|| {
        for fails in [None, Some(COUNT / 2)] {
            dropped_at_every_poll(async |gauge| {
                let mut group = TaskGroup::new();
                for n in 0..COUNT {
                    group.spawn(
                        gauge.waiting_task(n % 7, if Some(n) == fails { Err(n) } else { Ok(n) }),
                    );
                }
                assert_eq!(group.join_all().await.is_err(), fails.is_some());
            });
        }
        dropped_at_every_poll(async |gauge| {
            let mut group = TaskGroup::<usize, ()>::new();
            for n in 0..COUNT {
                group.spawn(gauge.waiting_task(n % 7, Ok(n)));
            }
            assert_eq!(group.cancel().await.len(), COUNT);
        });
    });
}

#[test]
fn nested_combinators_may_be_dropped_at_any_poll() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            let kept = RefCell::new(Vec::new());
            map(0..10_usize, async |n| {
                let inner = gather((0..5).map(|m| gauge.waiting_task(m + n % 3, m)));
                let retried = Retry::new().backoff(Backoff::none()).run(|attempt| {
                    gauge.waiting_task(1, if attempt == 2 { Ok(()) } else { Err(()) })
                });
                assert_eq!(timeout(LONG, inner).await.unwrap().len(), 5);
                retried.await.unwrap();
                kept.borrow_mut().push(n);
            })
            .await;
            assert_eq!(kept.into_inner().len(), 10);
        });
    });
}
