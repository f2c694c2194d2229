//! Model checks of the orderings that matter, on the real code: `cargo xtask ci` builds the library
//! with loom's primitives.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model-check cargo test --release -p
//! effective-queue --test model_check`
//!
//! Crossbeam's channel has no loom build: a list behind a lock stands in for it, in
//! `src/store/fifo.rs`.
#![cfg(model_check)]

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use effective_queue::Queue;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// Runs all interleavings with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A thread with a shard of its own; all others share one.
fn with_own_shard<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    thread::Builder::new()
        .name("own shard".to_owned())
        .spawn(work)
        .expect("loom has a thread")
}

/// A thread, with a shard of its own or without.
fn spawn<T: Send + 'static>(
    own_shard: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    if own_shard {
        with_own_shard(work)
    } else {
        thread::spawn(work)
    }
}

/// Puts `item` on a thread with a shard of its own.
fn putting(queue: &Queue<u32>, item: u32) -> thread::JoinHandle<()> {
    let queue = queue.clone();
    with_own_shard(move || queue.put(item).unwrap())
}

/// Closes the queue on another thread.
fn closing(queue: &Queue<u32>) -> thread::JoinHandle<bool> {
    let queue = queue.clone();
    thread::spawn(move || queue.close())
}

fn bounded<T>(capacity: usize) -> Queue<T> {
    Queue::bounded(NonZeroUsize::new(capacity).expect("not zero"))
}

struct NoWake;

impl Wake for NoWake {
    fn wake(self: StdArc<Self>) {}
}

/// Polls a future once and drops it.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let waker = Waker::from(StdArc::new(NoWake));
    match pin!(future).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn put_wakes_a_blocked_get() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        let put = putting(&queue, 7);
        assert_eq!(*queue.get().unwrap(), 7);
        put.join().unwrap();
    });
}

#[test]
fn two_puts_wake_two_blocked_gets() {
    check(2, || {
        let queue = Queue::<u32>::unbounded();
        let gets: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || queue.get().unwrap().into_inner())
            })
            .collect();
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        let got: u32 = gets.into_iter().map(|get| get.join().unwrap()).sum();
        assert_eq!(got, 3);
    });
}

#[test]
fn get_wakes_a_blocked_put() {
    check(3, || {
        let queue = bounded(1);
        queue.put(1).unwrap();
        let put = putting(&queue, 2);
        assert_eq!(*queue.get().unwrap(), 1);
        assert_eq!(*queue.get().unwrap(), 2);
        put.join().unwrap();
    });
}

#[test]
fn last_item_done_wakes_join() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = [true, false]
            .map(|own_shard| {
                let (queue, done) = (queue.clone(), Arc::clone(&done));
                let work = move || {
                    let item = queue.get().unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                    drop(item);
                };
                spawn(own_shard, work)
            })
            .into();
        queue.join();
        assert_eq!(done.load(Ordering::SeqCst), 2);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn join_returns_after_a_refused_put() {
    check(3, || {
        let queue = bounded(1);
        queue.put(1).unwrap();
        let other = queue.clone();
        let putter = with_own_shard(move || other.try_put(2).is_ok());
        drop(queue.get().unwrap());
        if putter.join().unwrap() {
            drop(queue.get().unwrap());
        }
        queue.join();
        assert_eq!(queue.unfinished(), 0);
    });
}

#[test]
fn refused_put_wakes_the_joiner_that_counted_it() {
    check(3, || {
        let queue = bounded(1);
        queue.put(1).unwrap();
        let other = queue.clone();
        // An item that it puts is taken below.
        let putter = with_own_shard(move || other.try_put(2).is_ok());
        let joiner = queue.clone();
        let join = thread::spawn(move || joiner.join());
        drop(queue.get().unwrap());
        if putter.join().unwrap() {
            drop(queue.get().unwrap());
        }
        join.join().unwrap();
    });
}

#[test]
fn close_wakes_a_blocked_get() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        let close = closing(&queue);
        assert!(queue.get().is_err());
        assert!(close.join().unwrap());
    });
}

#[test]
fn close_wakes_a_blocked_put() {
    check(3, || {
        let queue = bounded(1);
        queue.put(1).unwrap();
        let close = closing(&queue);
        assert_eq!(queue.put(2).unwrap_err().into_item(), 2);
        assert!(close.join().unwrap());
        assert_eq!(*queue.get().unwrap(), 1);
        assert!(queue.get().is_err());
    });
}

#[test]
fn put_racing_with_close_loses_no_item() {
    for own_shard in [true, false] {
        check(3, move || {
            let queue = Queue::<u32>::unbounded();
            let putter = queue.clone();
            let put = spawn(own_shard, move || putter.put(7).is_ok());
            let close = closing(&queue);
            let got = queue.get().is_ok();
            assert_eq!(put.join().unwrap(), got);
            close.join().unwrap();
            assert!(queue.get().is_err());
            queue.join();
        });
    }
}

#[test]
fn put_racing_with_close_now_is_returned_once() {
    for own_shard in [true, false] {
        check(3, move || {
            let queue = Queue::<u32>::unbounded();
            let putter = queue.clone();
            let put = spawn(own_shard, move || putter.put(7).is_ok());
            let rest = queue.close_now().len();
            queue.join();
            assert!(queue.get().is_err());
            assert_eq!(usize::from(put.join().unwrap()), rest);
        });
    }
}

#[test]
fn get_racing_with_close_now_loses_no_item() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        queue.put(7).unwrap();
        let getter = queue.clone();
        let get = with_own_shard(move || getter.get().is_ok());
        let rest = queue.close_now().len();
        queue.join();
        assert_eq!(usize::from(get.join().unwrap()) + rest, 1);
    });
}

#[test]
fn close_now_wakes_join() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        queue.put(7).unwrap();
        let closer = queue.clone();
        let close = thread::spawn(move || closer.close_now().len());
        queue.join();
        assert_eq!(close.join().unwrap(), 1);
    });
}

#[test]
fn cancelled_async_get_passes_its_wake_up_on() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        let canceller = queue.clone();
        let cancelled = thread::spawn(move || {
            // Ready if the item was there already. Then it is requeued for the other get.
            if let Some(item) = poll_once(canceller.get_async()) {
                item.unwrap().requeue().unwrap();
            }
        });
        let put = putting(&queue, 7);
        assert_eq!(*queue.get().unwrap(), 7);
        cancelled.join().unwrap();
        put.join().unwrap();
    });
}

#[test]
fn cancelled_async_put_passes_its_room_on() {
    check(2, || {
        let queue = bounded(1);
        queue.put(1).unwrap();
        let canceller = queue.clone();
        let cancelled =
            thread::spawn(move || poll_once(canceller.put_async(3)).is_some_and(|put| put.is_ok()));
        let put = putting(&queue, 2);
        assert_eq!(*queue.get().unwrap(), 1);
        let mut sum = *queue.get().unwrap();
        if cancelled.join().unwrap() {
            sum += *queue.get().unwrap();
            assert_eq!(sum, 5);
        } else {
            assert_eq!(sum, 2);
        }
        put.join().unwrap();
    });
}

/// A get that times out at once takes the item or leaves the wake-up to the other get.
#[test]
fn timed_out_get_passes_its_wake_up_on() {
    check(2, || {
        let queue = Queue::<u32>::unbounded();
        let hasty = queue.clone();
        let timed_out = thread::spawn(move || {
            if let Ok(item) = hasty.get_timeout(Duration::from_nanos(1)) {
                item.requeue().unwrap();
            }
        });
        let put = putting(&queue, 7);
        assert_eq!(*queue.get().unwrap(), 7);
        timed_out.join().unwrap();
        put.join().unwrap();
    });
}

/// Chunks and single items take different paths and come out in the order of their producer.
#[test]
fn chunks_and_single_items_keep_their_order() {
    check(2, || {
        let queue = Queue::<u32>::unbounded();
        let producer = queue.clone();
        let produce = with_own_shard(move || {
            producer.put(1).unwrap();
            producer.put_all([2, 3]).unwrap();
            producer.put(4).unwrap();
            producer.close();
        });
        let other = queue.clone();
        let consume = thread::spawn(move || {
            let mut last = 0;
            for item in other.iter().take(2) {
                assert!(*item > last);
                last = *item;
            }
        });
        let mut last = 0;
        for item in &queue {
            assert!(*item > last);
            last = *item;
        }
        produce.join().unwrap();
        consume.join().unwrap();
    });
}

#[test]
fn single_item_is_not_overtaken_by_a_chunk() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        let producer = queue.clone();
        let produce = with_own_shard(move || {
            producer.put(1).unwrap();
            producer.put_all([2, 3]).unwrap();
        });
        for number in 1..=3 {
            assert_eq!(*queue.get().unwrap(), number);
        }
        produce.join().unwrap();
    });
}

#[test]
fn chunk_wakes_a_blocked_get() {
    check(3, || {
        let queue = Queue::<u32>::unbounded();
        let putter = queue.clone();
        let put = with_own_shard(move || putter.put_all([1, 2]).unwrap());
        assert_eq!(*queue.get().unwrap(), 1);
        assert_eq!(*queue.get().unwrap(), 2);
        put.join().unwrap();
    });
}
