//! The CPU use of idle pools, measured over a process that runs nothing else.
#![cfg(target_os = "linux")]

mod support;

use std::time::Duration;

use effective_thread_pool::ThreadPool;
use support::cpu_time;

#[test]
fn idle_pool_uses_no_cpu_after_any_kind_of_work() {
    let pool = ThreadPool::builder()
        .workers(4)
        .max_pending(16)
        .build()
        .unwrap();
    // One pool that shrinks to its minimum at once, and one that never does.
    let elastic = [Duration::from_millis(5), Duration::from_secs(3_600)].map(|time| {
        let builder = ThreadPool::builder().workers(4).min_workers(1);
        let pool = builder.idle_timeout(time).build().unwrap();
        assert_eq!(pool.map(0..1_000, |n| n).len(), 1_000);
        pool
    });
    pool.map(0..1_000, |n| n);
    pool.mapping().stream(0..1_000, |n| n).for_each(drop);
    pool.scope(|scope| drop(scope.submit(|| ()))).unwrap();
    let handles: Vec<_> = (0..100).map(|_| pool.submit(|| ()).unwrap()).collect();
    effective_thread_pool::as_completed(handles).for_each(drop);
    // Two workers that wait inside jobs and two threads that wait for them cost nothing either.
    let (gate, busy) = support::occupy(&pool);
    std::thread::scope(|threads| {
        threads.spawn(|| busy.wait().unwrap());
        let (second_gate, second) = support::occupy(&pool);
        threads.spawn(|| futures::executor::block_on(second).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        let before = cpu_time();
        std::thread::sleep(Duration::from_secs(2));
        let used = cpu_time().saturating_sub(before);
        // One spinning worker would use two seconds.
        assert!(used < Duration::from_millis(20), "{used:?}");
        assert_eq!(elastic[0].threads(), 1);
        gate.open();
        second_gate.open();
    });
}
