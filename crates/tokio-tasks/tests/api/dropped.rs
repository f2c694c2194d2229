//! Fault 32: each combinator is dropped at its n-th poll, for all n. Every future that was started
//! is dropped once, every input that was not taken is still there, and no task continues.

use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::StreamExt;

use crate::support::{Gauge, Live, eventually, on_each_runtime, poll_times, turns};
use crate::tasks::{
    Backoff, Retry, TaskGroup, Tasks, deadline, first_completed, gather, map, timeout,
};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();
const INPUTS: usize = 12;
const MINUTE: Duration = Duration::from_secs(60);

/// An input, counted while it exists: in the iterator, in a future, or in a result.
struct Input {
    n: usize,
    live: Live,
}

fn inputs(gauge: &Gauge) -> std::vec::IntoIter<Input> {
    let inputs: Vec<Input> = (0..INPUTS)
        .map(|n| Input {
            n,
            live: gauge.enter(),
        })
        .collect();
    inputs.into_iter()
}

async fn work(input: Input) -> usize {
    turns(input.n % 3).await;
    drop(input.live);
    input.n
}

/// Makes a future and drops it after 0 polls, makes another and drops it after 1, and so on, until
/// one ends.
async fn at_every_poll<'a, F: Future>(
    left: &'a std::cell::RefCell<std::vec::IntoIter<Input>>,
    make: impl Fn(Taking<'a>) -> F,
) -> F::Output {
    let mut polls = 0;
    loop {
        let gauge = Gauge::default();
        *left.borrow_mut() = inputs(&gauge);
        let ended = poll_times(pin!(make(Taking(left))), polls).await;
        let untouched = left.borrow().len();
        eventually("all taken inputs are dropped", || gauge.live() == untouched).await;
        turns(3).await;
        assert_eq!(
            left.borrow().len(),
            untouched,
            "an input was taken after the drop"
        );
        // The inputs that were not taken are the last ones, in order.
        assert!(
            left.borrow_mut()
                .by_ref()
                .map(|input| input.n)
                .eq(INPUTS - untouched..INPUTS)
        );
        if let Some(ended) = ended {
            assert_eq!(untouched, 0);
            return ended;
        }
        polls += 1;
        assert!(polls < 1_000_000, "the future never ends");
    }
}

/// Takes inputs from an iterator that the test still owns.
struct Taking<'a>(&'a std::cell::RefCell<std::vec::IntoIter<Input>>);

impl Iterator for Taking<'_> {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        self.0.borrow_mut().next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.borrow().size_hint()
    }
}

fn left() -> std::cell::RefCell<std::vec::IntoIter<Input>> {
    std::cell::RefCell::new(Vec::new().into_iter())
}

fn ordered<E: std::fmt::Debug>(results: Vec<Result<usize, E>>) {
    assert!(results.into_iter().map(Result::unwrap).eq(0..INPUTS));
}

#[test]
fn fault_32_map_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        ordered(at_every_poll(&left(), |inputs| map(inputs, work)).await);
        let limited = |inputs| Tasks::new().limit(THREE).map(inputs, work);
        ordered(at_every_poll(&left(), limited).await);
    });
}

#[test]
fn fault_32_map_local_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        let limited = |inputs| Tasks::new().limit(THREE).map_local(inputs, work);
        ordered(at_every_poll(&left(), limited).await);
    });
}

#[test]
fn fault_32_gather_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        ordered(at_every_poll(&left(), |inputs| gather(inputs.map(work))).await);
    });
}

#[test]
fn gather_may_be_dropped_by_its_own_running_task() {
    struct Bomb(Arc<AtomicBool>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
            panic!("in drop");
        }
    }
    on_each_runtime(|| async {
        let is_dropped = Arc::new(AtomicBool::new(false));
        let gathered = Arc::new(Mutex::new(None::<BoxFuture<'static, ()>>));
        let (bomb, inside) = (Bomb(Arc::clone(&is_dropped)), Arc::clone(&gathered));
        let task = async move {
            let cancelled = inside.lock().unwrap().take();
            drop(cancelled);
            bomb
        };
        *gathered.lock().unwrap() = Some(Box::pin(async {
            gather([task]).await;
        }));
        poll_fn(|cx| {
            let mut gathered = gathered.lock().unwrap();
            assert!(gathered.as_mut().unwrap().as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let was_dropped = || is_dropped.load(Ordering::SeqCst);
        eventually("the result is dropped", was_dropped).await;
        // The runtime continues.
        assert_eq!(gather([async { 7 }]).await[0].as_ref().unwrap(), &7);
    });
}

#[test]
fn fault_32_as_completed_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        for tasks in [Tasks::new(), Tasks::new().limit(THREE)] {
            let all = |inputs| tasks.as_completed(inputs, work).collect::<Vec<_>>();
            let mut results = at_every_poll(&left(), all).await;
            results.sort_by_key(|(index, _)| *index);
            ordered(results.into_iter().map(|(_, result)| result).collect());
        }
    });
}

#[test]
fn fault_32_first_completed_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        let (index, result) = at_every_poll(&left(), |inputs| first_completed(inputs.map(work)))
            .await
            .unwrap();
        assert_eq!(index, result.unwrap());
    });
}

#[test]
fn fault_32_group_may_be_dropped_at_any_poll() {
    async fn fails_at_five(input: Input) -> Result<usize, usize> {
        match work(input).await {
            5 => Err(5),
            n => Ok(n),
        }
    }
    on_each_runtime(async || {
        let left = left();
        let joined = at_every_poll(&left, async |inputs| {
            let mut group = TaskGroup::new();
            inputs.for_each(|input| group.spawn(fails_at_five(input)));
            group.join_all().await
        });
        assert!(matches!(joined.await.unwrap_err().failures(), [(5, _)]));
        let cancelled = at_every_poll(&left, async |inputs| {
            let mut group = TaskGroup::new();
            inputs.for_each(|input| group.spawn(fails_at_five(input)));
            turns(1).await;
            group.cancel().await
        });
        assert_eq!(cancelled.await.len(), INPUTS);
    });
}

#[test]
fn fault_32_timeout_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        let late = |inputs| timeout(MINUTE, map(inputs, work));
        ordered(at_every_poll(&left(), late).await.unwrap());
        let end = Instant::now() + MINUTE;
        let late = |inputs| deadline(end, gather(Iterator::map(inputs, work)));
        ordered(at_every_poll(&left(), late).await.unwrap());
    });
}

#[test]
fn fault_32_retry_may_be_dropped_at_any_poll() {
    on_each_runtime(async || {
        let retry = Retry::new()
            .attempts(NonZeroUsize::MAX)
            .timeout(MINUTE)
            .backoff(Backoff::none());
        let left = left();
        let tried = at_every_poll(&left, |mut inputs| {
            retry.run(move |_| {
                let next = inputs.next();
                async move {
                    match next {
                        Some(input) => Err(work(input).await),
                        None => Ok("all were tried"),
                    }
                }
            })
        });
        assert_eq!(tried.await, Ok("all were tried"));
    });
}

#[test]
fn fault_32_retry_may_be_dropped_in_a_pause() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let left = std::cell::RefCell::new(inputs(&gauge));
        {
            let retry = Retry::new().backoff(Backoff::constant(MINUTE)).run(|_| {
                let input = left.borrow_mut().next().unwrap();
                async { Err::<(), _>(work(input).await) }
            });
            assert!(poll_times(pin!(retry), 10).await.is_none());
        }
        assert_eq!(gauge.live(), INPUTS - 1);
    });
}
