//! The faults to survive, by number.

mod support;

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use effective_queue::{GetError, Queue, TryGetError};
use support::{Random, Wakes, caught, eventually, non_zero, within_deadline};

#[test]
fn fault_27_join_returns_after_consumer_panics() {
    within_deadline(|| {
        for round in 0..200_u32 {
            let queue = Queue::unbounded();
            queue.put_all(0..6_u32).unwrap();
            let all_panicked = Barrier::new(3);
            thread::scope(|scope| {
                for consumer in 0..3 {
                    let (queue, all_panicked) = (&queue, &all_panicked);
                    scope.spawn(move || {
                        let held = caught(|| {
                            if (round + consumer) % 2 == 0 {
                                let _item = queue.get().unwrap();
                                panic!("with an item");
                            }
                            let mut batch = queue.get_batch(non_zero(2)).unwrap().into_iter();
                            let _first = batch.next();
                            panic!("with a batch");
                        });
                        assert!(held.is_err());
                        all_panicked.wait();
                        for item in queue.try_iter() {
                            drop(item);
                        }
                    });
                }
                queue.join();
            });
            assert_eq!(queue.unfinished(), 0);
        }
    });
}

#[test]
fn fault_27_consumer_requeues_after_its_work_panics() {
    within_deadline(|| {
        let queue = Queue::unbounded();
        queue
            .put_all((0..50_u32).map(|number| (number, 0)))
            .unwrap();
        let tries = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for mut item in &queue {
                        let worked = caught(|| {
                            tries.fetch_add(1, Ordering::Relaxed);
                            assert!(item.1 >= 2, "two tries are not enough");
                        });
                        if worked.is_err() {
                            item.1 += 1;
                            item.requeue().unwrap();
                        }
                    }
                });
            }
            queue.join();
            assert_eq!(tries.load(Ordering::Relaxed), 150);
            queue.close();
        });
    });
}

#[test]
fn fault_27_item_with_panicking_drop_is_done() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    within_deadline(|| {
        let queue = Queue::unbounded();
        for _ in 0..2 {
            queue.put(Bomb).unwrap();
        }
        assert!(caught(|| drop(queue.get().unwrap())).is_err());
        assert_eq!(queue.unfinished(), 1);
        assert!(caught(|| drop(queue.get_batch(non_zero(2)).unwrap())).is_err());
        queue.join();
    });
}

#[test]
fn fault_28_item_is_marked_done_once_by_type() {
    // Only the end of a guard marks an item done, and a guard ends once. These are all ways to end
    // it.
    let queue = Queue::unbounded();
    queue.put_all(0..5).unwrap();
    drop(queue.get().unwrap());
    assert_eq!(queue.unfinished(), 4);
    let _ = queue.get().unwrap().into_inner();
    assert_eq!(queue.unfinished(), 3);
    queue.get().unwrap().requeue().unwrap();
    assert_eq!(queue.unfinished(), 3);
    let _ = queue.get_batch(non_zero(2)).unwrap().into_inner();
    assert_eq!(queue.unfinished(), 1);
    std::mem::forget(queue.get().unwrap());
    assert_eq!(queue.unfinished(), 1, "a forgotten guard: not done");
}

#[test]
fn fault_29_close_wakes_all_and_drains_first() {
    within_deadline(|| {
        for round in 0..150 {
            // Consumers blocked on an empty queue.
            let empty = Queue::<u32>::unbounded();
            // Producers blocked on a full one.
            let full = Queue::bounded(non_zero(2));
            full.put_all([1, 2]).unwrap();
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| assert_eq!(empty.get().unwrap_err(), GetError));
                    scope.spawn(|| assert_eq!(full.put(9).unwrap_err().into_item(), 9));
                }
                scope.spawn(|| {
                    assert_eq!(full.put_all([7, 8]).unwrap_err().into_items(), [7, 8]);
                });
                scope.spawn(|| {
                    let get = futures::executor::block_on(empty.get_async());
                    assert_eq!(get.unwrap_err(), GetError);
                });
                scope.spawn(|| {
                    let put = futures::executor::block_on(full.put_async(9));
                    assert_eq!(put.unwrap_err().into_item(), 9);
                });
                if round % 2 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                empty.close();
                full.close();
            });
            assert!(full.iter().map(|item| *item).eq([1, 2]));
            assert_eq!(full.get().unwrap_err(), GetError);
        }
    });
}

#[test]
fn fault_29_put_racing_with_close_loses_no_item() {
    within_deadline(|| {
        let mut refused = 0;
        for round in 0..400_u64 {
            let queue = match round % 3 {
                0 => Queue::bounded(non_zero(4)),
                1 => Queue::lifo(None),
                _ => Queue::unbounded(),
            };
            let (accepted, got, back) = thread::scope(|scope| {
                let producers: Vec<_> = (0..3)
                    .map(|producer| {
                        let queue = &queue;
                        scope.spawn(move || {
                            let mut random = Random(round * 3 + producer + 1);
                            let (mut accepted, mut back) = (0, 0);
                            loop {
                                let closed = if random.below(4) == 0 {
                                    match queue.put_all([1, 1, 1]) {
                                        Ok(count) => {
                                            accepted += count;
                                            false
                                        }
                                        Err(error) => {
                                            accepted += error.accepted();
                                            back += error.into_items().len();
                                            true
                                        }
                                    }
                                } else if queue.put(1).is_ok() {
                                    accepted += 1;
                                    false
                                } else {
                                    back += 1;
                                    true
                                };
                                if closed {
                                    break (accepted, back);
                                }
                            }
                        })
                    })
                    .collect();
                let consumers: Vec<_> = (0..2)
                    .map(|_| scope.spawn(|| queue.iter().map(|item| *item).sum::<usize>()))
                    .collect();
                let mut random = Random(round + 1);
                for _ in 0..random.below(3_000) {
                    std::hint::spin_loop();
                }
                queue.close();
                let mut sums = (0, 0, 0);
                for producer in producers {
                    let (accepted, back) = producer.join().unwrap();
                    sums.0 += accepted;
                    sums.2 += back;
                }
                for consumer in consumers {
                    sums.1 += consumer.join().unwrap();
                }
                sums
            });
            assert_eq!(accepted, got, "round {round}");
            refused += back;
            queue.join();
            assert_eq!(queue.unfinished(), 0);
        }
        assert!(refused >= 400 * 3, "each producer ends with a refusal");
    });
}

#[test]
fn fault_30_close_now_wakes_joiners() {
    within_deadline(|| {
        for round in 0..200 {
            let queue = match round % 3 {
                0 => Queue::bounded(non_zero(100)),
                1 => Queue::priority(None),
                _ => Queue::unbounded(),
            };
            queue.put_all(0..20).unwrap();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| queue.join());
                    scope.spawn(|| futures::executor::block_on(queue.join_async()));
                }
                let consumer = scope.spawn(|| {
                    let mut got = 0;
                    while let Ok(item) = queue.get() {
                        got += 1;
                        thread::yield_now();
                        drop(item);
                    }
                    got
                });
                let left = queue.close_now().len();
                assert_eq!(consumer.join().unwrap() + left, 20);
            });
            assert_eq!(queue.unfinished(), 0);
        }
    });
}

/// Puts a smaller one like itself when it is dropped.
struct Doll {
    size: u32,
    queue: Queue<Doll>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Doll {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        if let Some(size) = self.size.checked_sub(1) {
            let smaller = Doll {
                size,
                queue: self.queue.clone(),
                dropped: Arc::clone(&self.dropped),
            };
            if let Err(refused) = self.queue.try_put(smaller) {
                // Closed or full: the drop tries the next size.
                drop(refused);
            }
        }
    }
}

impl PartialEq for Doll {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size
    }
}
impl Eq for Doll {}
impl PartialOrd for Doll {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Doll {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Uses the queue during the comparison.
        let _ = self.queue.len();
        self.size.cmp(&other.size)
    }
}

#[test]
fn fault_31_put_from_an_item_drop_does_not_deadlock() {
    within_deadline(|| {
        for _ in 0..50 {
            let queues = [
                Queue::unbounded(),
                Queue::bounded(non_zero(2)),
                Queue::lifo(None),
                Queue::priority(Some(non_zero(2))),
            ];
            for queue in queues {
                let dropped = Arc::new(AtomicUsize::new(0));
                let doll = |size| Doll {
                    size,
                    queue: queue.clone(),
                    dropped: Arc::clone(&dropped),
                };
                queue.put(doll(4)).unwrap();
                queue.put(doll(4)).unwrap();
                // Dropped by a guard, by a batch, and by the list of `close_now`.
                drop(queue.get().unwrap());
                drop(queue.get_batch(non_zero(3)).unwrap());
                drop(queue.close_now());
                queue.join();
                assert_eq!(dropped.load(Ordering::SeqCst), 10);
            }
        }
    });
}

/// Polls a future `polls` times, each time after calling `before`, then drops it. Returns its
/// output, if any.
fn dropped_after<F: Future>(
    polls: usize,
    future: F,
    mut before: impl FnMut(),
) -> Option<F::Output> {
    let (_, waker) = Wakes::new();
    let mut future = pin!(future);
    for _ in 0..polls {
        before();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

#[test]
fn fault_32_async_get_dropped_at_any_poll_loses_no_item() {
    for polls in 0..6 {
        for arrives_at in 0..6 {
            let queue = Queue::unbounded();
            let mut poll = 0;
            let got = dropped_after(polls, queue.get_async(), || {
                if poll == arrives_at {
                    queue.put(7).unwrap();
                }
                poll += 1;
            });
            let arrived = arrives_at < polls;
            assert_eq!(got.is_some(), arrived);
            drop(got);
            if !arrived {
                assert_eq!(queue.try_get().unwrap_err(), TryGetError::Empty);
            }
            assert_eq!(queue.unfinished(), 0);
        }
    }
}

#[test]
fn fault_32_async_get_cancelled_on_arrival_wakes_next() {
    within_deadline(|| {
        let queue = Queue::unbounded();
        let (first_wakes, first) = Wakes::new();
        let (next_wakes, next) = Wakes::new();
        let mut cancelled = Box::pin(queue.get_async());
        let mut waiting = pin!(queue.get_async());
        assert!(
            cancelled
                .as_mut()
                .poll(&mut Context::from_waker(&first))
                .is_pending()
        );
        assert!(
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(&next))
                .is_pending()
        );
        queue.put(7).unwrap();
        assert_eq!((first_wakes.count(), next_wakes.count()), (1, 0));
        drop(cancelled);
        assert_eq!((first_wakes.count(), next_wakes.count()), (1, 1));
        assert!(
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(&next))
                .is_ready()
        );
    });
}

#[test]
fn fault_32_cancelled_async_get_leaves_item_to_thread() {
    within_deadline(|| {
        for round in 0..300 {
            let queue = Queue::unbounded();
            thread::scope(|scope| {
                let mut cancelled = Box::pin(queue.get_async());
                let (_, waker) = Wakes::new();
                assert!(
                    cancelled
                        .as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_pending()
                );
                let thread = scope.spawn(|| *queue.get().unwrap());
                if round % 2 == 0 {
                    thread::sleep(Duration::from_micros(200));
                }
                let put = scope.spawn(|| queue.put(7).unwrap());
                drop(cancelled);
                put.join().unwrap();
                assert_eq!(thread.join().unwrap(), 7);
            });
        }
    });
}

#[test]
fn fault_32_cancelled_async_put_passes_its_room_on() {
    within_deadline(|| {
        let queue = Queue::bounded(non_zero(1));
        queue.put(0).unwrap();
        for polls in 1..5 {
            let (_, waker) = Wakes::new();
            let mut cancelled = Box::pin(queue.put_async(1));
            for _ in 0..polls {
                assert!(
                    cancelled
                        .as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_pending()
                );
            }
            thread::scope(|scope| {
                let thread = scope.spawn(|| queue.put(2));
                thread::sleep(Duration::from_micros(300));
                drop(queue.get().unwrap());
                drop(cancelled);
                thread.join().unwrap().unwrap();
            });
            eventually(|| queue.len() == 1);
        }
        assert_eq!(*queue.get().unwrap(), 2);
        queue.join();
    });
}
