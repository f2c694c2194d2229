//! Full load with random panics, cancels, timeouts and closings, for `SOAK_SECONDS` (1 by default):
//! every accepted item is taken once or handed back, no thread is left, and memory is released.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant};

use std::future::Future as _;

use effective_queue::{PutTimeoutError, Queue, TryPutError};
use support::proc::{live_threads, resident_kib};
use support::{Random, Wakes, caught, eventually, non_zero, soak_time, within};

/// The counts of one round.
#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    got: AtomicU64,
    requeued: AtomicU64,
    panicked: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Puts in every way until the queue is closed.
fn produce(queue: &Queue<u64>, tally: &Tally, random: &mut Random, mut left: u32) {
    while left > 0 {
        left -= 1;
        match random.below(8) {
            0 => match queue.put_timeout(1, Duration::from_micros(random.below(50))) {
                Ok(()) => add(&tally.accepted, 1),
                Err(PutTimeoutError::TimedOut(_)) => add(&tally.timed_out, 1),
                Err(PutTimeoutError::Closed(_)) => return add(&tally.refused, 1),
            },
            1 => match queue.try_put(1) {
                Ok(()) => add(&tally.accepted, 1),
                Err(TryPutError::Full(_)) => {}
                Err(TryPutError::Closed(_)) => return add(&tally.refused, 1),
            },
            2 => {
                let wanted = 1 + random.below(300);
                match queue.put_all((0..wanted).map(|_| 1)) {
                    Ok(count) => add(&tally.accepted, count),
                    Err(error) => {
                        add(&tally.accepted, error.accepted());
                        return add(&tally.refused, 1);
                    }
                }
            }
            3 => {
                // Dropped after a few polls.
                let (_, waker) = Wakes::new();
                let mut put = Box::pin(queue.put_async(1));
                for _ in 0..random.below(3) {
                    match put.as_mut().poll(&mut Context::from_waker(&waker)) {
                        std::task::Poll::Ready(Ok(())) => {
                            add(&tally.accepted, 1);
                            break;
                        }
                        std::task::Poll::Ready(Err(_)) => return add(&tally.refused, 1),
                        std::task::Poll::Pending => add(&tally.cancelled, 1),
                    }
                }
            }
            4 => match futures::executor::block_on(queue.put_async(1)) {
                Ok(()) => add(&tally.accepted, 1),
                Err(_) => return add(&tally.refused, 1),
            },
            _ => match queue.put(1) {
                Ok(()) => add(&tally.accepted, 1),
                Err(_) => return add(&tally.refused, 1),
            },
        }
    }
}

/// Gets in every way until the queue is closed and empty.
fn consume(queue: &Queue<u64>, tally: &Tally, random: &mut Random) {
    loop {
        match random.below(8) {
            0 => match queue.get_timeout(Duration::from_micros(random.below(50))) {
                Ok(item) => add(&tally.got, *item as usize),
                Err(effective_queue::GetTimeoutError::TimedOut) => add(&tally.timed_out, 1),
                Err(effective_queue::GetTimeoutError::Closed) => return,
            },
            1 => match queue.get_batch(non_zero(1 + random.below(100) as usize)) {
                Ok(batch) => add(&tally.got, batch.len()),
                Err(_) => return,
            },
            2 => {
                let (_, waker) = Wakes::new();
                let mut get = Box::pin(queue.get_async());
                for _ in 0..random.below(3) {
                    match get.as_mut().poll(&mut Context::from_waker(&waker)) {
                        std::task::Poll::Ready(Ok(item)) => {
                            add(&tally.got, *item as usize);
                            break;
                        }
                        std::task::Poll::Ready(Err(_)) => return,
                        std::task::Poll::Pending => add(&tally.cancelled, 1),
                    }
                }
            }
            3 => match futures::executor::block_on(queue.get_async()) {
                Ok(item) => add(&tally.got, *item as usize),
                Err(_) => return,
            },
            4 => match queue.get() {
                Ok(item) if random.below(20) == 0 => {
                    let panicked = caught(|| {
                        let item = item;
                        add(&tally.got, *item as usize);
                        std::panic::resume_unwind(Box::new("on purpose"));
                    });
                    assert!(panicked.is_err());
                    add(&tally.panicked, 1);
                }
                Ok(item) => match item.requeue() {
                    Ok(()) => add(&tally.requeued, 1),
                    Err(error) => add(&tally.got, *error.into_item() as usize),
                },
                Err(_) => return,
            },
            _ => match queue.get() {
                Ok(item) => add(&tally.got, *item as usize),
                Err(_) => return,
            },
        }
    }
}

/// One queue from start to end, with eight threads.
fn round(number: u64, total: &Tally) {
    let mut random = Random(number + 1);
    let capacity = non_zero(1 + random.below(200) as usize);
    let queue = match number % 6 {
        0 => Queue::lifo(Some(capacity)),
        1 => Queue::priority(Some(capacity)),
        2 => Queue::unbounded(),
        3 => Queue::priority(None),
        _ => Queue::bounded(capacity),
    };
    let tally = Tally::default();
    let at_once = random.below(3) == 0;
    let rest = thread::scope(|scope| {
        let producers: Vec<_> = (0..3)
            .map(|thread| {
                let (queue, tally) = (&queue, &tally);
                let mut random = Random(number * 10 + thread + 1);
                scope.spawn(move || produce(queue, tally, &mut random, 400))
            })
            .collect();
        for thread in 3..6 {
            let (queue, tally) = (&queue, &tally);
            let mut random = Random(number * 10 + thread + 1);
            scope.spawn(move || consume(queue, tally, &mut random));
        }
        scope.spawn(|| {
            let _ = queue.join_timeout(Duration::from_micros(300));
            futures::executor::block_on(queue.join_async());
        });
        let rest = if at_once {
            thread::sleep(Duration::from_micros(random.below(2_000)));
            queue.close_now().len()
        } else {
            for producer in producers {
                producer.join().expect("producers do not panic");
            }
            queue.join();
            queue.close();
            0
        };
        scope.spawn(|| queue.join());
        rest
    });
    assert_eq!(
        get(&tally.accepted),
        get(&tally.got) + rest as u64,
        "round {number}"
    );
    assert_eq!((queue.unfinished(), queue.len()), (0, 0), "round {number}");
    for (total, round) in [
        (&total.accepted, &tally.accepted),
        (&total.got, &tally.got),
        (&total.requeued, &tally.requeued),
        (&total.panicked, &tally.panicked),
        (&total.timed_out, &tally.timed_out),
        (&total.cancelled, &tally.cancelled),
        (&total.refused, &tally.refused),
    ] {
        total.fetch_add(get(round), Ordering::Relaxed);
    }
}

#[test]
fn soak() {
    let time = soak_time();
    within(2 * time + Duration::from_secs(60), move || {
        let total = Tally::default();
        let start = Instant::now();
        let mut rounds = 0;
        let mut warm = None;
        while start.elapsed() < time || rounds < 12 {
            round(rounds, &total);
            rounds += 1;
            // By then each kind of queue has been used, and the allocator has reached its steady
            // state.
            if warm.is_none() && start.elapsed() > time / 4 && cfg!(target_os = "linux") {
                warm = Some((live_threads(), resident_kib()));
            }
        }
        println!(
            "soak: {rounds} queues, {} items accepted, {} got, {} requeued, {} panics, \
             {} timeouts, {} cancels, {} refused",
            get(&total.accepted),
            get(&total.got),
            get(&total.requeued),
            get(&total.panicked),
            get(&total.timed_out),
            get(&total.cancelled),
            get(&total.refused),
        );
        let Some((warm_threads, warm_kib)) = warm else {
            return;
        };
        eventually(|| live_threads() <= warm_threads);
        let now_kib = resident_kib();
        println!("{warm_kib} KiB when warm, {now_kib} KiB now");
        assert!(now_kib <= warm_kib * 3 / 2 + 8 * 1_024);
    });
}
