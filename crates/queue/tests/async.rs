//! Async gets and puts: on several runtimes, alongside blocking threads, with misbehaving wakers.

mod support;

use std::future::Future as _;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use effective_queue::Queue;
use support::{Random, Wakes, non_zero, within_deadline};
use tokio::runtime;

const ITEMS: u64 = 5_000;
const SUM: u64 = ITEMS * (ITEMS - 1) / 2;

async fn produce(queue: impl Deref<Target = Queue<u64>>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        queue.put_async(number).await.expect("open");
    }
}

async fn consume(queue: Queue<u64>, batches: bool) -> u64 {
    let mut sum = 0;
    if batches {
        while let Ok(batch) = queue.get_batch_async(non_zero(7)).await {
            sum += batch.iter().sum::<u64>();
        }
    } else {
        while let Ok(item) = queue.get_async().await {
            sum += *item;
        }
    }
    sum
}

/// Two producer and two consumer tasks, and a producer and a consumer thread.
async fn tasks_and_threads(queue: Queue<u64>) -> u64 {
    let third = ITEMS / 3;
    let producing = [
        tokio::spawn(produce(Arc::new(queue.clone()), 0..third)),
        tokio::spawn(produce(Arc::new(queue.clone()), third..2 * third)),
    ];
    let consuming = [
        tokio::spawn(consume(queue.clone(), false)),
        tokio::spawn(consume(queue.clone(), true)),
    ];
    let putting = thread::spawn({
        let queue = queue.clone();
        move || queue.put_all(2 * third..ITEMS).expect("open")
    });
    let getting = thread::spawn({
        let queue = queue.clone();
        move || queue.iter().map(|item| *item).sum::<u64>()
    });
    for task in producing {
        task.await.expect("no panic");
    }
    putting.join().expect("no panic");
    queue.join_async().await;
    queue.close();
    let mut sum = getting.join().expect("no panic");
    for task in consuming {
        sum += task.await.expect("no panic");
    }
    sum
}

#[test]
fn tokio_current_thread_tasks_work_beside_threads() {
    within_deadline(|| {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        for queue in [Queue::bounded(non_zero(4)), Queue::unbounded()] {
            // Only tasks: joining a thread would block the runtime.
            runtime.block_on(async {
                let producing = tokio::spawn(produce(Arc::new(queue.clone()), 0..ITEMS));
                let consuming = [
                    tokio::spawn(consume(queue.clone(), false)),
                    tokio::spawn(consume(queue.clone(), true)),
                ];
                let getting = thread::spawn({
                    let queue = queue.clone();
                    move || queue.iter().map(|item| *item).sum::<u64>()
                });
                producing.await.unwrap();
                queue.join_async().await;
                queue.close();
                let mut sum = 0;
                for task in consuming {
                    sum += task.await.unwrap();
                }
                assert_eq!(sum + getting.join().unwrap(), SUM);
            });
        }
    });
}

#[test]
fn tokio_multi_thread_tasks_work_beside_threads() {
    within_deadline(|| {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(3)
            .build()
            .unwrap();
        for queue in [
            Queue::bounded(non_zero(4)),
            Queue::unbounded(),
            Queue::lifo(Some(non_zero(4))),
            Queue::priority(Some(non_zero(4))),
        ] {
            assert_eq!(runtime.block_on(tasks_and_threads(queue)), SUM);
        }
    });
}

#[test]
fn tasks_work_on_the_futures_executor() {
    use futures::executor::LocalPool;
    use futures::task::LocalSpawnExt as _;

    within_deadline(|| {
        let queue = Queue::bounded(non_zero(4));
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        let producer = queue.producer();
        let producing = async move { produce(producer, 0..ITEMS).await };
        spawner.spawn_local(producing).unwrap();
        let sums = [false, true].map(|batches| {
            let consuming = consume(queue.clone(), batches);
            spawner.spawn_local_with_handle(consuming).unwrap()
        });
        let sum = pool.run_until(async {
            let [one, other] = sums;
            one.await + other.await
        });
        assert_eq!(sum, SUM);
    });
}

/// Gets time out on both runtimes while items come: each item is taken once.
#[test]
fn timed_out_gets_lose_no_item() {
    within_deadline(|| {
        for multi in [false, true] {
            let runtime = if multi {
                runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_time()
                    .build()
            } else {
                runtime::Builder::new_current_thread().enable_time().build()
            }
            .unwrap();
            let queue = Queue::bounded(non_zero(2));
            let putting = thread::spawn({
                let queue = queue.clone();
                move || {
                    let mut random = Random(3);
                    for number in 0..400_u64 {
                        queue.put(number).expect("open");
                        if random.below(3) == 0 {
                            thread::sleep(Duration::from_micros(random.below(1_500)));
                        }
                    }
                    queue.close();
                }
            });
            let got = runtime.block_on(async {
                let tasks: Vec<_> = (0..4)
                    .map(|_| {
                        let queue = queue.clone();
                        tokio::spawn(async move {
                            let mut got = Vec::new();
                            loop {
                                let wait = Duration::from_millis(1);
                                match tokio::time::timeout(wait, queue.get_async()).await {
                                    Ok(Ok(item)) => got.push(item.into_inner()),
                                    Ok(Err(_)) => break got,
                                    Err(_) => {}
                                }
                            }
                        })
                    })
                    .collect();
                let mut got = Vec::new();
                for task in tasks {
                    got.extend(task.await.unwrap());
                }
                got.sort_unstable();
                got
            });
            putting.join().unwrap();
            assert!(got.into_iter().eq(0..400));
            assert_eq!(queue.unfinished(), 0);
        }
    });
}

#[test]
fn future_wakes_the_last_task_that_polled_it() {
    let queue = Queue::unbounded();
    let (old_wakes, old) = Wakes::new();
    let (new_wakes, new) = Wakes::new();
    let mut get = pin!(queue.get_async());
    for waker in [&old, &old, &new] {
        let poll = get.as_mut().poll(&mut Context::from_waker(waker));
        assert!(poll.is_pending());
    }
    queue.put(1).unwrap();
    assert_eq!((old_wakes.count(), new_wakes.count()), (0, 1));
}

#[test]
fn put_wakes_one_task_and_close_wakes_all() {
    let queue = Queue::unbounded();
    let (wakes, waker) = Wakes::new();
    let mut gets: Vec<_> = (0..5).map(|_| Box::pin(queue.get_async())).collect();
    for get in &mut gets {
        assert!(
            get.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    queue.put(1).unwrap();
    assert_eq!(wakes.count(), 1);
    queue.put_all([2, 3]).unwrap();
    assert_eq!(wakes.count(), 3);
    queue.close();
    assert_eq!(wakes.count(), 5);
}

/// A waker that panics when it wakes.
struct Bomb(Arc<AtomicUsize>);

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("on purpose");
    }
}

#[test]
fn panicking_waker_harms_neither_put_nor_others() {
    within_deadline(|| {
        let queue = Queue::unbounded();
        let woken = Arc::new(AtomicUsize::new(0));
        let bomb = Waker::from(Arc::new(Bomb(Arc::clone(&woken))));
        let (wakes, waker) = Wakes::new();
        let mut harmed = Box::pin(queue.get_async());
        let mut other = Box::pin(queue.get_async());
        assert!(
            harmed
                .as_mut()
                .poll(&mut Context::from_waker(&bomb))
                .is_pending()
        );
        assert!(
            other
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        queue.put_all([1, 2]).unwrap();
        assert_eq!((woken.load(Ordering::SeqCst), wakes.count()), (1, 1));
        queue.put(3).unwrap();
        queue.close();
        drop(harmed);
        assert!(
            other
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        );
        assert_eq!(queue.iter().count(), 2);
    });
}

/// A waker that uses the queue when it wakes.
struct Putter(Queue<u32>);

impl Wake for Putter {
    fn wake(self: Arc<Self>) {
        self.0.put(9).expect("open");
    }
}

#[test]
fn waker_can_use_the_queue() {
    within_deadline(|| {
        let queue = Queue::unbounded();
        let waker = Waker::from(Arc::new(Putter(queue.clone())));
        let mut get = pin!(queue.get_async());
        assert!(
            get.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        queue.put(1).unwrap();
        assert!(queue.try_iter().map(|item| *item).eq([1, 9]));
    });
}

/// A job whose comparisons panic while the flag is set.
struct Touchy(Arc<AtomicBool>);

impl Ord for Touchy {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        assert!(!self.0.load(Ordering::SeqCst), "on purpose");
        std::cmp::Ordering::Equal
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Touchy {}

#[test]
fn panicking_get_passes_its_wake_up_on() {
    let queue = Queue::priority(None);
    let panics = Arc::new(AtomicBool::new(false));
    let (wakes, waker) = Wakes::new();
    let mut gets: Vec<_> = (0..3).map(|_| Box::pin(queue.get_async())).collect();
    for get in &mut gets {
        assert!(
            get.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    queue
        .put_all([Touchy(Arc::clone(&panics)), Touchy(Arc::clone(&panics))])
        .unwrap();
    assert_eq!(wakes.count(), 2);
    panics.store(true, Ordering::SeqCst);
    let mut first = gets.remove(0);
    let polled = support::caught(|| {
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    });
    assert!(polled.is_err());
    drop(first);
    assert_eq!(wakes.count(), 3, "the third is asked instead");
    panics.store(false, Ordering::SeqCst);
    for get in gets.iter_mut().rev() {
        assert!(
            get.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        );
    }
}

#[test]
fn ready_get_takes_no_second_item() {
    let queue = Queue::unbounded();
    for number in 0..4 {
        queue.put(number).expect("open");
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut get = pin!(queue.get_async());
    let mut batch = pin!(queue.get_batch_async(non_zero(1)));
    assert!(get.as_mut().poll(&mut context).is_ready());
    assert!(batch.as_mut().poll(&mut context).is_ready());
    let again = |poll: &mut dyn FnMut()| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).expect_err("it panics");
    };
    again(&mut || drop(get.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
    again(&mut || drop(batch.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
    assert_eq!(queue.len(), 2);
}
