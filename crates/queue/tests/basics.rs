//! Each call by itself: orders, bounds, errors, closing, joining, iterating.

mod support;

use std::cmp::Reverse;
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use effective_queue::{
    GetError, GetTimeoutError, PutTimeoutError, Queue, TryGetError, TryPutError,
};
use support::{non_zero, within_deadline};

const SHORT: Duration = Duration::from_millis(5);

/// One queue of each kind, with this capacity.
fn kinds(capacity: Option<usize>) -> Vec<(&'static str, Queue<u32>)> {
    let capacity = capacity.map(non_zero);
    vec![
        (
            "fifo",
            capacity.map_or_else(Queue::unbounded, Queue::bounded),
        ),
        ("lifo", Queue::lifo(capacity)),
        ("priority", Queue::priority(capacity)),
    ]
}

fn taken(queue: &Queue<u32>) -> Vec<u32> {
    queue.try_iter().map(|item| *item).collect()
}

#[test]
fn items_come_out_in_the_order_of_the_queue() {
    for capacity in [None, Some(10)] {
        for (kind, queue) in kinds(capacity) {
            for number in [3, 1, 4, 1, 5] {
                queue.put(number).unwrap();
            }
            let expected = match kind {
                "fifo" => [3, 1, 4, 1, 5],
                "lifo" => [5, 1, 4, 1, 3],
                _ => [5, 4, 3, 1, 1],
            };
            assert_eq!(taken(&queue), expected, "{kind}, {capacity:?}");
        }
    }
}

#[test]
fn equal_priorities_come_out_in_fifo_order() {
    #[derive(Debug)]
    struct Job {
        urgency: u8,
        number: u32,
    }
    impl PartialEq for Job {
        fn eq(&self, other: &Self) -> bool {
            self.urgency == other.urgency
        }
    }
    impl Eq for Job {}
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Job {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.urgency.cmp(&other.urgency)
        }
    }

    let queue = Queue::priority(None);
    for number in 0..300 {
        let urgency = (number % 3) as u8;
        queue.put(Job { urgency, number }).unwrap();
    }
    let mut last = (u8::MAX, 0);
    for job in queue.try_iter() {
        let this = (job.urgency, job.number);
        assert!(
            this.0 < last.0 || (this.0 == last.0 && this.1 > last.1),
            "{this:?} after {last:?}"
        );
        last = this;
    }
    assert_eq!(last, (0, 297));
}

#[test]
fn reverse_yields_the_least_first() {
    let queue = Queue::priority(None);
    queue.put_all([3, 1, 2].map(Reverse)).unwrap();
    assert_eq!(queue.get().unwrap().0, 1);
}

#[test]
fn bounded_queue_takes_as_many_as_its_capacity() {
    for (kind, queue) in kinds(Some(3)) {
        assert_eq!(queue.capacity(), Some(3));
        for number in 0..3 {
            queue.try_put(number).unwrap();
        }
        assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)), "{kind}");
        assert_eq!(
            queue.put_timeout(9, SHORT),
            Err(PutTimeoutError::TimedOut(9)),
            "{kind}"
        );
        assert_eq!(
            queue.put_timeout(9, Duration::ZERO),
            Err(PutTimeoutError::TimedOut(9)),
            "{kind}"
        );
        assert_eq!(
            queue.put_deadline(9, Instant::now()),
            Err(PutTimeoutError::TimedOut(9)),
            "{kind}"
        );
        assert_eq!((queue.len(), queue.unfinished()), (3, 3), "{kind}");
        // An item that a consumer holds takes no room, though it is not done.
        let held = queue.get().unwrap();
        queue.try_put(9).unwrap();
        assert_eq!((queue.len(), queue.unfinished()), (3, 4), "{kind}");
        drop(held);
        assert_eq!(queue.unfinished(), 3, "{kind}");
    }
}

#[test]
fn unbounded_queue_has_no_capacity() {
    for (kind, queue) in kinds(None) {
        assert_eq!(queue.capacity(), None, "{kind}");
        assert_eq!(queue.put_all(0..10_000), Ok(10_000), "{kind}");
        assert_eq!(queue.len(), 10_000, "{kind}");
    }
}

#[test]
fn gets_on_an_empty_queue_are_errors() {
    for (kind, queue) in kinds(None) {
        assert!(queue.is_empty());
        assert_eq!(queue.try_get().unwrap_err(), TryGetError::Empty, "{kind}");
        assert_eq!(
            queue.get_timeout(SHORT).unwrap_err(),
            GetTimeoutError::TimedOut,
            "{kind}"
        );
        assert_eq!(
            queue.get_timeout(Duration::ZERO).unwrap_err(),
            GetTimeoutError::TimedOut,
            "{kind}"
        );
        assert_eq!(
            queue.get_deadline(Instant::now()).unwrap_err(),
            GetTimeoutError::TimedOut,
            "{kind}"
        );
        assert_eq!(
            queue.try_get_batch(non_zero(3)).unwrap_err(),
            TryGetError::Empty,
            "{kind}"
        );
        assert_eq!(
            queue.get_batch_timeout(non_zero(3), SHORT).unwrap_err(),
            GetTimeoutError::TimedOut,
            "{kind}"
        );
    }
}

#[test]
fn timeout_beyond_the_clock_is_no_timeout() {
    within_deadline(|| {
        let queue = Queue::bounded(non_zero(1));
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..3 {
                    queue.put_timeout(number, Duration::MAX).unwrap();
                }
            });
            for number in 0..3 {
                assert_eq!(*queue.get_timeout(Duration::MAX).unwrap(), number);
            }
        });
        assert_eq!(queue.join_timeout(Duration::MAX), Ok(()));
    });
}

#[test]
fn closed_queue_drains_first() {
    for (kind, queue) in kinds(Some(8)) {
        queue.put_all([1, 1]).unwrap();
        assert!(!queue.is_closed());
        assert!(queue.close());
        assert!(!queue.close(), "{kind}: it was closed already");
        assert!(queue.is_closed());
        assert_eq!(queue.put(7).unwrap_err().into_item(), 7);
        assert_eq!(queue.try_put(7), Err(TryPutError::Closed(7)));
        assert_eq!(queue.put_timeout(7, SHORT), Err(PutTimeoutError::Closed(7)));
        let refused = queue.put_all([7, 8]).unwrap_err();
        assert_eq!(refused.accepted(), 0);
        assert_eq!(refused.into_items(), [7, 8]);
        assert_eq!(queue.unfinished(), 2, "{kind}");
        assert_eq!(taken(&queue), [1, 1], "{kind}");
        assert_eq!(queue.get().unwrap_err(), GetError);
        assert_eq!(queue.try_get().unwrap_err(), TryGetError::Closed);
        assert_eq!(
            queue.get_timeout(SHORT).unwrap_err(),
            GetTimeoutError::Closed
        );
        assert_eq!(
            queue.get_timeout(Duration::ZERO).unwrap_err(),
            GetTimeoutError::Closed
        );
        assert_eq!(
            queue.put_timeout(7, Duration::ZERO),
            Err(PutTimeoutError::Closed(7))
        );
        assert_eq!(queue.get_batch(non_zero(2)).unwrap_err(), GetError);
        queue.join();
    }
}

#[test]
fn close_now_returns_the_remaining_items() {
    for (kind, queue) in kinds(None) {
        queue.put(1).unwrap();
        queue.put_all([2, 3]).unwrap();
        let held = queue.get().unwrap();
        let mut left = queue.close_now();
        left.push(*held);
        left.sort_unstable();
        assert_eq!(left, [1, 2, 3], "{kind}");
        assert_eq!(queue.unfinished(), 1, "{kind}");
        let late = queue.join_timeout(SHORT).unwrap_err();
        assert_eq!(late.unfinished(), 1, "{kind}: what is held is waited for");
        drop(held);
        queue.join();
        assert_eq!(queue.close_now(), Vec::<u32>::new());
    }
}

#[test]
fn item_can_be_requeued() {
    for (kind, queue) in kinds(Some(2)) {
        queue.put(1).unwrap();
        let mut item = queue.get().unwrap();
        *item += 10;
        item.requeue().unwrap();
        assert_eq!((queue.len(), queue.unfinished()), (1, 1), "{kind}");
        let item = queue.get().unwrap();
        assert_eq!(*item, 11);

        queue.put_all([2, 3]).unwrap();
        let Err(TryPutError::Full(item)) = item.requeue() else {
            panic!("{kind}: there is no room")
        };
        assert_eq!((*item, queue.unfinished()), (11, 3), "{kind}");
        queue.close();
        let Err(TryPutError::Closed(item)) = item.requeue() else {
            panic!("{kind}: closed")
        };
        assert_eq!(queue.unfinished(), 3, "{kind}");
        assert_eq!(item.into_inner(), 11);
        assert_eq!(queue.unfinished(), 2, "{kind}");
    }
}

#[test]
fn batch_takes_the_available_items() {
    for (kind, queue) in kinds(Some(10)) {
        queue.put_all([1, 1, 1, 1, 1]).unwrap();
        let batch = queue.get_batch(non_zero(3)).unwrap();
        assert_eq!((batch.len(), queue.unfinished()), (3, 5), "{kind}");
        assert_eq!(batch.into_inner(), [1, 1, 1]);
        assert_eq!(queue.unfinished(), 2, "{kind}");
        let mut items = queue.get_batch(non_zero(3)).unwrap().into_iter();
        assert_eq!(items.len(), 2);
        assert_eq!(items.next(), Some(1));
        assert_eq!(
            queue.unfinished(),
            2,
            "{kind}: the batch is done as a whole"
        );
        drop(items);
        queue.join();
    }
}

#[test]
fn batches_and_single_items_keep_their_order() {
    for capacity in [None, Some(2_000)] {
        let queue = capacity.map_or_else(Queue::unbounded, |room| Queue::bounded(non_zero(room)));
        let (mut next, mut expected) = (0_u32, 0);
        let mut random = support::Random(5);
        for _ in 0..3_000 {
            match random.below(4) {
                0 if next - expected < 1_900 => {
                    let upto = next + random.below(9) as u32;
                    queue.put_all(next..upto).unwrap();
                    next = upto;
                }
                1 if next - expected < 1_900 => {
                    queue.put(next).unwrap();
                    next += 1;
                }
                2 => {
                    if let Ok(item) = queue.try_get() {
                        assert_eq!(*item, expected);
                        expected += 1;
                    }
                }
                _ => {
                    if let Ok(batch) = queue.try_get_batch(non_zero(5)) {
                        assert!(batch.len() <= 5);
                        for item in batch {
                            assert_eq!(item, expected);
                            expected += 1;
                        }
                    }
                }
            }
            assert_eq!(queue.len() as u32, next - expected);
            assert_eq!(queue.unfinished(), u64::from(next - expected));
        }
        assert!(next > 1_000);
    }
}

#[test]
fn put_all_beyond_capacity_waits_for_room() {
    within_deadline(|| {
        let queue = Queue::bounded(non_zero(3));
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(queue.put_all(0..1_000), Ok(1_000));
                queue.close();
            });
            let got: Vec<i32> = queue.iter().map(|item| *item).collect();
            assert!(got.iter().copied().eq(0..1_000));
        });
    });
}

#[test]
fn put_all_returns_the_rest_when_closed() {
    within_deadline(|| {
        let queue = Queue::bounded(non_zero(3));
        thread::scope(|scope| {
            let putter = scope.spawn(|| queue.put_all(0..10));
            support::eventually(|| queue.len() == 3);
            queue.close();
            let error = putter.join().unwrap().unwrap_err();
            assert_eq!(error.accepted(), 3);
            assert!(error.into_items().into_iter().eq(3..10));
            assert!(queue.iter().map(|item| *item).eq(0..3));
        });
        queue.join();
    });
}

#[test]
fn panicking_iterator_leaves_whole_chunks_put() {
    let queue = Queue::unbounded();
    let items = (0..1_000).inspect(|&number| assert!(number < 600, "no more"));
    assert!(support::caught(|| queue.put_all(items)).is_err());
    assert_eq!(queue.len(), 512);
    assert_eq!(queue.unfinished(), 512);
    queue.put(1).unwrap();
}

#[test]
fn last_producer_closes_the_queue() {
    let queue = Queue::unbounded();
    let producer = queue.producer();
    let other = producer.clone();
    producer.put(1).unwrap();
    drop(producer);
    assert!(!queue.is_closed());
    let panicked = thread::spawn(move || {
        other.put(2).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(queue.is_closed());
    assert!(queue.into_iter().map(|item| *item).eq([1, 2]));
}

#[test]
fn owned_items_are_sent_to_threads() {
    let queue = Queue::unbounded();
    queue.put_all(0..4).unwrap();
    queue.close();
    let handle = queue.clone();
    let items: Vec<_> = queue.into_iter().collect();
    assert_eq!(handle.unfinished(), 4);
    for item in items {
        thread::spawn(move || drop(item)).join().unwrap();
    }
    handle.join();
}

#[test]
fn types_are_debug_and_errors_advise() {
    let queue = Queue::bounded(non_zero(1));
    queue.put('a').unwrap();
    assert_eq!(
        format!("{queue:?}"),
        "Queue { len: 1, capacity: Some(1), unfinished: 1, closed: false, .. }"
    );
    let full = queue.try_put('b').unwrap_err();
    let slow = queue.put_timeout('b', SHORT).unwrap_err();
    let unjoined = queue.join_timeout(SHORT).unwrap_err();
    assert_eq!(format!("{:?}", queue.get().unwrap()), "Item('a')");
    let empty = queue.try_get().unwrap_err();
    let late = queue.get_timeout(SHORT).unwrap_err();
    queue.close();
    let closed = queue.put('b').unwrap_err();
    let over = queue.get().unwrap_err();
    let all = queue.put_all(['b', 'c']).unwrap_err();

    fn checked(error: &(dyn Error + Send + Sync + 'static), advice: &str) {
        let text = error.to_string();
        assert!(text.contains(advice) && !text.contains('\n'), "{text}");
        assert!(error.source().is_none());
        assert!(!format!("{error:?}").is_empty());
    }
    checked(&full, "wait for room");
    checked(&slow, "more consumers");
    checked(&unjoined, "with 1 items not done");
    checked(&empty, "wait for an item");
    checked(&late, "allow more time");
    checked(&closed, "into_item");
    checked(&over, "no more items");
    checked(&all, "after 0 items: take the 2");
}

/// The items must be `Send`, but need not be `Sync`.
#[test]
fn queue_is_send_and_sync() {
    fn travels<T: Send + Sync>(_: &T) {}
    let queue = Queue::<std::cell::Cell<u8>>::unbounded();
    travels(&queue);
    travels(&queue.producer());
}
