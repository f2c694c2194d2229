//! Many threads: order, bounds, panicking comparisons, cheap waits.

mod support;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_queue::Queue;
use support::{Random, caught, non_zero, within_deadline};

/// Each consumer sees the items of each producer in order, chunks and single items mixed.
#[test]
fn each_consumer_sees_each_producer_in_order() {
    within_deadline(|| {
        for capacity in [None, Some(16)] {
            let queue =
                capacity.map_or_else(Queue::unbounded, |room| Queue::bounded(non_zero(room)));
            let producer = queue.producer();
            thread::scope(|scope| {
                for number in 0..3_usize {
                    let producer = producer.clone();
                    scope.spawn(move || {
                        let mut random = Random(number as u64 + 1);
                        let mut next = 0_u32;
                        while next < 20_000 {
                            let upto = next + 1 + random.below(6) as u32;
                            if random.below(2) == 0 {
                                producer
                                    .put_all((next..upto).map(|item| (number, item)))
                                    .unwrap();
                            } else {
                                for item in next..upto {
                                    producer.put((number, item)).unwrap();
                                }
                            }
                            next = upto;
                        }
                    });
                }
                drop(producer);
                for number in 0..3 {
                    let queue = &queue;
                    scope.spawn(move || {
                        let mut random = Random(number + 9);
                        let mut last = [None; 3];
                        let mut check = |(producer, item): (usize, u32)| {
                            assert!(last[producer] < Some(item), "{last:?}, {producer} {item}");
                            last[producer] = Some(item);
                        };
                        loop {
                            if random.below(2) == 0 {
                                match queue.get() {
                                    Ok(item) => check(*item),
                                    Err(_) => break,
                                }
                            } else {
                                match queue.get_batch(non_zero(5)) {
                                    Ok(batch) => batch.into_iter().for_each(&mut check),
                                    Err(_) => break,
                                }
                            }
                        }
                    });
                }
            });
            queue.join();
        }
    });
}

#[test]
fn bound_holds_at_every_moment() {
    within_deadline(|| {
        for queue in [
            Queue::bounded(non_zero(3)),
            Queue::lifo(Some(non_zero(3))),
            Queue::priority(Some(non_zero(3))),
        ] {
            let stop = AtomicBool::new(false);
            let producer = queue.producer();
            thread::scope(|scope| {
                for _ in 0..3 {
                    let producer = producer.clone();
                    scope.spawn(move || {
                        for number in 0..2_000 {
                            if number % 5 == 0 {
                                producer.put_all([number, number]).unwrap();
                            } else {
                                producer.put(number).unwrap();
                            }
                        }
                    });
                }
                drop(producer);
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        assert!(queue.len() <= 3);
                        thread::yield_now();
                    }
                });
                assert_eq!(queue.iter().count(), 3 * (1_600 + 400 * 2));
                stop.store(true, Ordering::Relaxed);
            });
        }
    });
}

/// More threads than have shards of their own.
#[test]
fn hundred_threads_count_exactly() {
    within_deadline(|| {
        let queue = Queue::unbounded();
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| {
                    for number in 0..200_u64 {
                        queue.put(number).unwrap();
                        drop(queue.get().unwrap());
                    }
                });
            }
            for _ in 0..20 {
                queue.join();
            }
        });
        assert_eq!((queue.unfinished(), queue.len()), (0, 0));
        queue.close();
        assert!(queue.get().is_err());
    });
}

/// `join` returns only when the items put before it are done, also while other threads put and get.
#[test]
fn join_waits_for_the_last_item() {
    within_deadline(|| {
        for round in 0..300 {
            let queue = Queue::unbounded();
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                queue.put_all([false, false, true]).unwrap();
                for _ in 0..2 {
                    scope.spawn(|| {
                        for item in queue.try_iter() {
                            if round % 3 == 0 {
                                thread::yield_now();
                            }
                            if *item {
                                done.store(true, Ordering::SeqCst);
                            }
                        }
                    });
                }
                queue.join();
                assert!(done.load(Ordering::SeqCst));
            });
        }
    });
}

/// A number whose comparisons panic sporadically.
#[derive(Debug, PartialEq, Eq)]
struct Touchy(u64);

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if PANICS.take() {
            panic!("on purpose");
        }
        self.0.cmp(&other.0)
    }
}

#[test]
fn panicking_comparison_loses_no_item() {
    within_deadline(|| {
        let queue = Queue::priority(Some(non_zero(50)));
        let producer = queue.producer();
        let mut got = thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..3_000 {
                    producer.put(Touchy(number * 7 % 3_000)).unwrap();
                }
            });
            let consumers: Vec<_> = (0..3)
                .map(|number| {
                    let queue = &queue;
                    scope.spawn(move || {
                        let mut random = Random(number + 1);
                        let mut got = Vec::new();
                        loop {
                            PANICS.set(random.below(5) == 0);
                            let tried = caught(|| {
                                if random.below(2) == 0 {
                                    queue.get().map(|item| vec![item.into_inner()])
                                } else {
                                    queue
                                        .get_batch(non_zero(3))
                                        .map(effective_queue::Batch::into_inner)
                                }
                            });
                            match tried {
                                Ok(Ok(items)) => got.extend(items.into_iter().map(|item| item.0)),
                                Ok(Err(_)) => break got,
                                Err(_) => {}
                            }
                        }
                    })
                })
                .collect();
            consumers
                .into_iter()
                .flat_map(|consumer| consumer.join().unwrap())
                .collect::<Vec<_>>()
        });
        got.sort_unstable();
        assert!(got.into_iter().eq(0..3_000));
        assert_eq!(queue.unfinished(), 0);
    });
}

#[test]
fn expired_timeouts_lose_no_item() {
    within_deadline(|| {
        let queue = Queue::bounded(non_zero(1));
        let producer = queue.producer();
        thread::scope(|scope| {
            for number in 0..2 {
                let producer = producer.clone();
                scope.spawn(move || {
                    let mut random = Random(number + 1);
                    for _ in 0..1_000 {
                        let mut item = 1_u64;
                        while let Err(error) =
                            producer.put_timeout(item, Duration::from_micros(random.below(40)))
                        {
                            item = error.into_item();
                        }
                    }
                });
            }
            drop(producer);
            let consumers: Vec<_> = (0..2)
                .map(|number| {
                    let queue = &queue;
                    scope.spawn(move || {
                        let mut random = Random(number + 5);
                        let mut sum = 0;
                        loop {
                            match queue.get_timeout(Duration::from_micros(random.below(40))) {
                                Ok(item) => sum += *item,
                                Err(effective_queue::GetTimeoutError::TimedOut) => {}
                                Err(effective_queue::GetTimeoutError::Closed) => break sum,
                            }
                        }
                    })
                })
                .collect();
            let sum: u64 = consumers
                .into_iter()
                .map(|consumer| consumer.join().unwrap())
                .sum();
            assert_eq!(sum, 2_000);
        });
        queue.join();
    });
}

/// Runs in a process of its own, whose CPU clock is that of the waiting threads alone.
#[cfg(target_os = "linux")]
#[test]
fn idle_queue_uses_no_cpu() {
    use std::env;
    use std::process::Command;

    /// The CPU time in clock ticks, 100 a second on every Linux.
    fn cpu_ticks() -> u64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        // After the name, which is in parentheses and can contain anything.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    const CHILD: &str = "QUEUE_TEST_IDLE";
    if env::var_os(CHILD).is_none() {
        let child = Command::new(env::current_exe().unwrap())
            .args(["idle_queue_uses_no_cpu", "--exact", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:?}");
        return;
    }
    within_deadline(|| {
        let empty = Queue::<u8>::unbounded();
        let full = Queue::bounded(non_zero(1));
        full.put(1).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| empty.get().is_err());
                scope.spawn(|| empty.get_timeout(Duration::from_secs(100)).is_err());
                scope.spawn(|| full.put(2).is_err());
                scope.spawn(|| full.join());
                scope.spawn(|| futures::executor::block_on(empty.get_async()).is_err());
            }
            thread::sleep(Duration::from_millis(200));
            let before = cpu_ticks();
            let start = Instant::now();
            thread::sleep(Duration::from_millis(1_500));
            let ticks = cpu_ticks() - before;
            let waited = start.elapsed().as_millis() as u64 / 10;
            empty.close();
            full.close_now();
            // One per cent of a processor. Twenty spinning threads would use two processors.
            assert!(ticks <= 1 + waited / 100, "{ticks} ticks of {waited}");
        });
    });
}
