//! Blocking iterators and streams.

mod support;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, Offload, OffloadError};
use futures::executor::block_on;
use futures::stream::{self, StreamExt};

use support::{
    Counter, Gate, eventually, one_thread, poll_times, portal, quiet_panics, within_deadline,
};

fn places(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn stream_yields_all_items_in_order() {
    within_deadline(|| {
        let offload = Offload::new();
        for capacity in [1, 2, 7, 1_000] {
            let items: Vec<_> = block_on(offload.stream(places(capacity), 0..500).collect());
            let items: Vec<i32> = items.into_iter().map(Result::unwrap).collect();
            assert_eq!(items, (0..500).collect::<Vec<_>>());
        }
        let nothing = block_on(offload.stream(places(1), Vec::<i32>::new()).next());
        assert!(nothing.is_none());
    });
}

#[test]
fn stream_fetches_at_most_capacity_ahead() {
    within_deadline(|| {
        let offload = one_thread();
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let items = std::iter::repeat_with(move || count.fetch_add(1, Ordering::SeqCst));
        let mut stream = offload.stream(places(10), items);
        assert_eq!(block_on(stream.next()).unwrap().unwrap(), 0);
        // Ten, and the one that was taken.
        eventually(|| (10..=11).contains(&made.load(Ordering::SeqCst)));
        // The only thread is free.
        assert_eq!(block_on(offload.run(|| 5)).unwrap(), 5);
        assert!(made.load(Ordering::SeqCst) <= 11);
        assert_eq!(block_on(stream.next()).unwrap().unwrap(), 1);
    });
}

#[test]
fn more_streams_than_threads_make_progress() {
    within_deadline(|| {
        let offload = Offload::builder()
            .max_threads(2)
            .max_pending(1)
            .build()
            .unwrap();
        let streams = (0..20).map(|n| offload.stream(places(3), n * 100..n * 100 + 50));
        let mut items: Vec<_> = block_on(
            stream::select_all(streams)
                .map(|item| item.unwrap())
                .collect(),
        );
        items.sort_unstable();
        let expected: Vec<_> = (0..20).flat_map(|n| n * 100..n * 100 + 50).collect();
        assert_eq!(items, expected);
    });
}

#[test]
fn iterator_panic_is_the_last_item() {
    quiet_panics();
    within_deadline(|| {
        let offload = Offload::new();
        let items = (0..5).map(|n| if n < 3 { n } else { panic!("meant {n}") });
        let mut stream = offload.stream(places(2), items);
        for n in 0..3 {
            assert_eq!(block_on(stream.next()).unwrap().unwrap(), n);
        }
        let error = block_on(stream.next()).unwrap().unwrap_err();
        assert!(matches!(error, OffloadError::Panicked(panic) if panic.message() == "meant 3"));
        assert!(block_on(stream.next()).is_none());
    });
}

#[test]
fn stream_on_closed_offload_ends_with_error() {
    within_deadline(|| {
        let offload = one_thread();
        let mut stream = offload.stream(places(2), 0..100);
        assert_eq!(block_on(stream.next()).unwrap().unwrap(), 0);
        // This job runs after the one that fetches: two items are ahead, and no job fetches.
        block_on(offload.run(|| ())).unwrap();
        offload.close();
        let rest: Vec<_> = block_on(stream.collect());
        let (last, items) = rest.split_last().unwrap();
        assert!((1..=2).contains(&items.len()) && items.iter().all(Result::is_ok));
        assert!(matches!(last, Err(OffloadError::Closed)));
    });
}

#[test]
fn dropped_stream_drops_its_iterator() {
    within_deadline(|| {
        let offload = Offload::new();
        let dropped = Counter::default();
        let (gate, inside, held) = (Gate::new(), Counter::default(), dropped.on_drop());
        let (passes, reached) = (gate.clone(), inside.clone());
        let items = std::iter::repeat_with(move || {
            let _held = &held;
            reached.add();
            passes.pass();
        });
        let mut stream = Box::pin(offload.stream(places(2), items));
        let mut next = Box::pin(stream.next());
        assert!(poll_times(next.as_mut(), 1, Duration::ZERO).is_none());
        eventually(|| inside.get() == 1);
        drop(next);
        drop(stream);
        assert_eq!(dropped.get(), 0, "it is in use");
        gate.open();
        eventually(|| dropped.get() == 1);
        assert_eq!(inside.get(), 1);
        // An idle iterator is dropped with its stream.
        let held = dropped.on_drop();
        let items = std::iter::repeat_with(move || {
            let _held = &held;
        });
        drop(offload.stream(places(2), items));
        assert_eq!(dropped.get(), 2);
    });
}

#[test]
fn iterator_yields_all_items_in_order() {
    within_deadline(|| {
        let portal = portal();
        for capacity in [1, 2, 7, 1_000] {
            let items = portal.iter(places(capacity), || stream::iter(0..500));
            let items: Vec<i32> = items.map(Result::unwrap).collect();
            assert_eq!(items, (0..500).collect::<Vec<_>>());
        }
    });
}

#[test]
fn iterator_takes_at_most_capacity_ahead() {
    within_deadline(|| {
        let portal = portal();
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let mut items = portal.iter(places(5), move || {
            stream::repeat_with(move || count.fetch_add(1, Ordering::SeqCst))
        });
        eventually(|| made.load(Ordering::SeqCst) == 5);
        thread::sleep(Duration::from_millis(10));
        assert_eq!(made.load(Ordering::SeqCst), 5);
        for n in 0..100 {
            assert_eq!(items.next().unwrap().unwrap(), n);
        }
        assert!(made.load(Ordering::SeqCst) <= 105);
    });
}

#[test]
fn timed_out_iterator_loses_nothing() {
    within_deadline(|| {
        let portal = portal();
        let (send, receive) = futures::channel::mpsc::unbounded();
        let mut items = portal.iter(places(4), move || receive);
        for n in 0..5 {
            let error = items.next_timeout(Duration::from_millis(2)).unwrap();
            assert!(matches!(error, Err(CallError::TimedOut { .. })));
            send.unbounded_send(n).unwrap();
            assert_eq!(items.next_timeout(Duration::MAX).unwrap().unwrap(), n);
        }
        drop(send);
        assert!(items.next().is_none());
        assert!(items.next().is_none());
    });
}

#[test]
fn stream_panic_is_the_last_item() {
    quiet_panics();
    within_deadline(|| {
        let portal = portal();
        let mut items = portal.iter(places(2), || {
            stream::iter(0..5).map(|n| if n < 3 { n } else { panic!("meant {n}") })
        });
        for n in 0..3 {
            assert_eq!(items.next().unwrap().unwrap(), n);
        }
        assert!(matches!(
            items.next(),
            Some(Err(CallError::Panicked(panic))) if panic.message() == "meant 3"
        ));
        assert!(items.next().is_none());
    });
}

#[test]
fn dropped_iterator_drops_its_stream() {
    within_deadline(|| {
        let portal = portal();
        let dropped = Counter::default();
        for take in 0..10 {
            let held = dropped.on_drop();
            let mut items = portal.iter(places(2), move || {
                stream::repeat_with(move || {
                    let _held = &held;
                })
            });
            for _ in 0..take {
                items.next().unwrap().unwrap();
            }
            drop(items);
            eventually(|| dropped.get() == take + 1);
        }
    });
}

#[test]
fn refused_iterator_ends_and_continues_elsewhere() {
    within_deadline(|| {
        let portal = portal();
        let mut items = portal.iter(places(2), || stream::iter(0..5));
        assert_eq!(items.next().unwrap().unwrap(), 0);
        block_on(async {
            for _ in 0..2 {
                // The first round returns the error, the second nothing.
                let refused: Vec<_> = items.by_ref().take(3).collect();
                assert!(
                    refused.len() <= 1 && refused.iter().all(Result::is_err),
                    "{refused:?}"
                );
            }
            assert_eq!(items.by_ref().filter_map(Result::ok).count(), 0);
            for _ in 0..2 {
                let refused = items.next_timeout(Duration::from_secs(60));
                assert!(matches!(refused, Some(Err(CallError::WouldDeadlock(_)))));
            }
        });
        assert_eq!(items.map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4]);
    });
}
