//! `map_stream` and `as_completed_stream`.

use std::num::NonZeroUsize;

use futures::channel::mpsc;
use futures::stream::{self, StreamExt};

use crate::support::{Gauge, on_each_runtime, turns};
use crate::tasks::{Tasks, as_completed_stream, map_stream};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

#[test]
fn results_are_in_the_order_of_the_stream() {
    on_each_runtime(async || {
        let items = || {
            stream::iter(0..200_usize).then(|n| async move {
                turns(n % 2).await;
                n
            })
        };
        let task = |n: usize| async move {
            turns((200 - n) % 7).await;
            n
        };
        for results in [
            map_stream(items(), task).await,
            Tasks::new().limit(THREE).map_stream(items(), task).await,
        ] {
            assert!(results.into_iter().map(Result::unwrap).eq(0..200));
        }
        let mut seen: Vec<_> = as_completed_stream(items(), task).collect().await;
        seen.sort_by_key(|(index, _)| *index);
        assert!(seen.into_iter().map(|(_, n)| n.unwrap()).eq(0..200));
    });
}

#[test]
fn items_are_taken_while_there_is_room() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let items = stream::iter(0..100_usize);
        let mut answers = Tasks::new().limit(THREE).as_completed_stream(items, |n| {
            let live = gauge.enter();
            async move {
                turns(n % 5).await;
                (n, live)
            }
        });
        while let Some((index, answer)) = answers.next().await {
            let (n, live) = answer.unwrap();
            assert_eq!(index, n);
            drop(live);
        }
        // One more than the limit: the reader holds it.
        assert!(gauge.peak() <= 4, "{}", gauge.peak());
        assert_eq!((gauge.entered(), gauge.live()), (100, 0));
    });
}

#[test]
fn results_come_while_the_stream_is_pending() {
    on_each_runtime(async || {
        let (give, items) = mpsc::unbounded::<usize>();
        let mut answers = as_completed_stream(items, |n| async move { n });
        for n in 0..3 {
            give.unbounded_send(10 * n).unwrap();
            let (index, answer) = answers.next().await.unwrap();
            assert_eq!((index, answer.unwrap()), (n, 10 * n));
        }
        drop(give);
        assert!(answers.next().await.is_none());
        assert!(answers.next().await.is_none());
    });
}
