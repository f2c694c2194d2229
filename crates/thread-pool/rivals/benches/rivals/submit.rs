//! Many tiny jobs, submitted from outside the pool, with every result collected.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_deque::{Injector, Steal};
use futures::executor::block_on;
use workload_rivals::{Contest, Settings, timed};

use crate::runtimes;

const JOBS: u64 = 200_000;

fn job(n: u64) -> u64 {
    black_box(n) ^ 1
}

/// Checks the sum of the results.
fn checked(sum: u64) {
    assert_eq!(sum, (0..JOBS).map(|n| n ^ 1).sum::<u64>());
}

pub(crate) fn contest(settings: &Settings) {
    let ours = runtimes::ours();
    let executor = runtimes::async_executor();
    let rusty = runtimes::rusty();
    let tokio = runtimes::tokio();
    let rayon = runtimes::rayon();
    let threadpool = threadpool::ThreadPool::new(runtimes::workers());
    let raw = RawWorkers::start();

    Contest::new(
        "submit 200,000 tiny jobs, collect every result",
        "job",
        JOBS,
    )
    .ours("thread-pool submit", || {
        timed(|| {
            let handles: Vec<_> = (0..JOBS)
                .map(|n| ours.submit(move || job(n)).expect("open"))
                .collect();
            checked(
                handles
                    .into_iter()
                    .map(|handle| handle.wait().expect("no panic"))
                    .sum(),
            );
        })
    })
    .rival("async-executor", || {
        timed(|| {
            let tasks: Vec<_> = (0..JOBS)
                .map(|n| executor.spawn(async move { job(n) }))
                .collect();
            checked(block_on(async {
                let mut sum = 0;
                for task in tasks {
                    sum += task.await;
                }
                sum
            }));
        })
    })
    .rival("rusty_pool evaluate", || {
        timed(|| {
            let handles: Vec<_> = (0..JOBS).map(|n| rusty.evaluate(move || job(n))).collect();
            checked(
                handles
                    .into_iter()
                    .map(rusty_pool::JoinHandle::await_complete)
                    .sum(),
            );
        })
    })
    .rival("tokio spawn", || {
        timed(|| {
            let handles: Vec<_> = (0..JOBS)
                .map(|n| tokio.spawn(async move { job(n) }))
                .collect();
            checked(collect(handles));
        })
    })
    .rival("tokio spawn_blocking", || {
        timed(|| {
            let handles: Vec<_> = (0..JOBS)
                .map(|n| tokio.spawn_blocking(move || job(n)))
                .collect();
            checked(collect(handles));
        })
    })
    .rival("rayon spawn + a channel for all", || {
        timed(|| {
            let (sender, results) = crossbeam_channel::unbounded();
            for n in 0..JOBS {
                let sender = sender.clone();
                rayon.spawn(move || sender.send(job(n)).expect("received"));
            }
            drop(sender);
            checked(results.iter().sum());
        })
    })
    .limit("threadpool + a channel for all, no handles", || {
        timed(|| {
            let (sender, results) = crossbeam_channel::unbounded();
            for n in 0..JOBS {
                let sender = sender.clone();
                threadpool.execute(move || sender.send(job(n)).expect("received"));
            }
            drop(sender);
            checked(results.iter().sum());
        })
    })
    .limit("crossbeam's Injector, no handles", || {
        timed(|| {
            raw.done.store(0, Ordering::SeqCst);
            for n in 0..JOBS {
                raw.queue.push(Box::new(move || job(n)));
            }
            while raw.done.load(Ordering::Acquire) < JOBS as usize {
                thread::yield_now();
            }
        })
    })
    .limit("a boxed call in a loop", || {
        timed(|| {
            let mut sum = 0;
            for n in 0..JOBS {
                let boxed: Boxed = black_box(Box::new(move || job(n)));
                sum += boxed();
            }
            checked(sum);
        })
    })
    .reach_best_rival(0.8)
    .reach(0.55, "async-executor")
    .reach(1.0, "threadpool + a channel for all, no handles")
    .run(settings);
}

fn collect(handles: Vec<tokio::task::JoinHandle<u64>>) -> u64 {
    block_on(async {
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.expect("no panic");
        }
        sum
    })
}

type Boxed = Box<dyn FnOnce() -> u64 + Send>;

/// Workers on a bare queue, which yield while it is empty and sleep between the rounds.
struct RawWorkers {
    queue: Arc<Injector<Boxed>>,
    done: Arc<AtomicUsize>,
    end: Arc<AtomicBool>,
}

impl RawWorkers {
    fn start() -> Self {
        let this = Self {
            queue: Arc::new(Injector::new()),
            done: Arc::new(AtomicUsize::new(JOBS as usize)),
            end: Arc::new(AtomicBool::new(false)),
        };
        for _ in 0..runtimes::workers() {
            let queue = Arc::clone(&this.queue);
            let done = Arc::clone(&this.done);
            let end = Arc::clone(&this.end);
            thread::spawn(move || {
                let mut mine = 0;
                while !end.load(Ordering::Relaxed) {
                    match queue.steal() {
                        Steal::Success(job) => {
                            black_box(job());
                            mine += 1;
                        }
                        Steal::Retry => {}
                        Steal::Empty => {
                            if done.fetch_add(mine, Ordering::AcqRel) + mine >= JOBS as usize {
                                thread::sleep(Duration::from_micros(200));
                            } else {
                                thread::yield_now();
                            }
                            mine = 0;
                        }
                    }
                }
            });
        }
        this
    }
}

impl Drop for RawWorkers {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}
