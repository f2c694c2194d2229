//! Every combinator, dropped after the first poll, after the second, and so on until it comes to its end: each future that
//! was made is completed or dropped, once, and nothing is lost.

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

/// Makes the future anew for each number of polls and drops it after so many; all that it left must be accounted for. One
/// task is woken for each poll. Returns how many polls it takes to the end.
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
    panic!("it never comes to its end");
}

/// Tasks that wait from 0 to 6 times each: more than fit into a chunk.
const COUNT: usize = 100;

/// The least number of polls that all of them can take.
const POLLS: usize = 250;

#[test]
fn map_with_and_without_a_limit() {
    bounded(|| {
        let polls = dropped_at_every_poll(async |gauge| {
            map(0..COUNT, |n| gauge.waiting_task(n % 7, n)).await;
        });
        assert!(
            polls > POLLS,
            "{polls}: it was dropped between all of the wakes"
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
fn map_leaves_the_inputs_that_it_did_not_take() {
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
            assert_eq!(inputs.start, gauge.made(), "taken, then made");
            if ended {
                assert_eq!((inputs, gauge.completed()), (COUNT..COUNT, COUNT));
                return;
            }
        }
    });
}

#[test]
fn gathered() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            gather((0..COUNT).map(|n| gauge.waiting_task(n % 7, n))).await
        });
    });
}

#[test]
fn as_completed_hands_out_each_result_once() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            let mut completed = as_completed(0..COUNT, |n| gauge.waiting_task(n % 7, n));
            let mut seen = 0;
            while completed.next().await.is_some() {
                seen += 1;
                assert_eq!(seen, gauge.completed(), "what has ended was handed out");
            }
            assert_eq!(seen, COUNT);
        });
    });
}

#[test]
fn the_wait_for_a_next_result_is_dropped_at_every_poll() {
    bounded(|| {
        // The stream stays, only the wait for its next item is dropped, each time after so many polls.
        for polls in 1..5 {
            let gauge = Gauge::default();
            let mut completed = as_completed(0..COUNT, |n| gauge.waiting_task(n % 7, n));
            let mut numbers = Vec::new();
            'all: loop {
                let mut next = Box::pin(completed.next());
                for _ in 0..polls {
                    match poll_once(next.as_mut()) {
                        Poll::Ready(Some((number, _))) => {
                            numbers.push(number);
                            break;
                        }
                        Poll::Ready(None) => break 'all,
                        Poll::Pending => gauge.wake_next(),
                    }
                }
            }
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..COUNT));
            assert_eq!((gauge.live(), gauge.completed()), (0, COUNT));
        }
    });
}

#[test]
fn first_completed_is_the_first() {
    bounded(|| {
        dropped_at_every_poll(async |gauge| {
            let (which, _) = first_completed((0..COUNT).map(|n| gauge.waiting_task(5 + n, n)))
                .await
                .unwrap();
            assert!(which < COUNT);
        });
    });
}

#[test]
fn timeout_and_deadline() {
    bounded(|| {
        dropped_at_every_poll(|gauge| timeout(LONG, gauge.waiting_task(5, ())));
        dropped_at_every_poll(|gauge| deadline(Instant::now() + LONG, gauge.waiting_task(5, ())));
    });
}

#[test]
fn retry_with_and_without_an_end() {
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
fn a_group_that_succeeds_one_that_fails_and_one_that_is_cancelled() {
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
fn all_of_them_inside_each_other() {
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
