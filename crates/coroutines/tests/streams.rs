//! `map_stream` and `as_completed_stream`, poll by poll.

mod support;

use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Poll;

use effective_coroutines::{Tasks, as_completed_stream, map_stream};
use futures::channel::mpsc;
use futures::stream::{self, StreamExt};
use support::{Gauge, bounded, on_each_executor, poll_once};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

#[test]
fn items_are_taken_while_there_is_room() {
    on_each_executor(async || {
        let (gauge, taken) = (Gauge::default(), Gauge::default());
        let items = stream::iter(0..100_usize).inspect(|_| drop(taken.enter()));
        let mut results = Tasks::new()
            .limit(THREE)
            .as_completed_stream(items, |n| gauge.task(n % 5, n));
        while let Some((index, result)) = results.next().await {
            assert_eq!(index, result.unwrap());
            assert!(taken.made() <= gauge.completed() + 3);
        }
        assert_eq!((gauge.completed(), gauge.live()), (100, 0));
        assert!(gauge.peak() <= 3);
    });
}

#[test]
fn results_come_while_the_stream_is_pending() {
    bounded(|| {
        let (give, items) = mpsc::unbounded::<usize>();
        let mut results = as_completed_stream(items, |n| async move { n });
        assert!(poll_once(pin!(results.next())).is_pending());
        for n in 0..3 {
            give.unbounded_send(10 * n).unwrap();
            let Poll::Ready(Some((index, result))) = poll_once(pin!(results.next())) else {
                panic!("the result is ready");
            };
            assert_eq!((index, result.unwrap()), (n, 10 * n));
        }
        drop(give);
        assert!(matches!(poll_once(pin!(results.next())), Poll::Ready(None)));
        assert!(matches!(poll_once(pin!(results.next())), Poll::Ready(None)));
    });
}

#[test]
fn new_item_wakes_the_map() {
    bounded(|| {
        let (give, items) = mpsc::unbounded::<usize>();
        let thread = std::thread::spawn(move || {
            futures::executor::block_on(map_stream(items, |n| async move { 2 * n }))
        });
        for n in 0..100 {
            give.unbounded_send(n).unwrap();
            std::thread::yield_now();
        }
        drop(give);
        let results = thread.join().unwrap();
        assert!(
            results
                .into_iter()
                .map(Result::unwrap)
                .eq((0..100).map(|n| 2 * n))
        );
    });
}

#[test]
fn map_of_a_stream_can_be_spawned() {
    bounded(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let results = runtime.block_on(async {
            tokio::spawn(map_stream(stream::iter(0..10), |n| async move { n })).await
        });
        assert_eq!(results.unwrap().len(), 10);
    });
}
