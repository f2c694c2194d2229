//! Pools in a forked child: the parent's have no workers there and do no harm.
#![cfg(all(unix, not(miri)))]

mod forked;

use std::time::Duration;

use effective_thread_pool::ThreadPool;
use forked::in_a_forked_child;

#[test]
fn dropping_a_pool_in_a_forked_child_does_not_panic() {
    let (first, second) = (ThreadPool::new(2).unwrap(), ThreadPool::new(1).unwrap());
    let third = ThreadPool::new(1).unwrap();
    assert_eq!(first.submit(|| 1).unwrap().wait().unwrap(), 1);
    let mut pools = Some((first, second, third));
    in_a_forked_child(|| {
        let (first, second, third) = pools.take().unwrap();
        drop(first);
        second.shutdown();
        assert!(third.shutdown_timeout(Duration::from_millis(20)).is_err());
        // A pool that the child builds.
        let own = ThreadPool::new(2).unwrap();
        assert!(
            own.map(0..10, |n| n)
                .into_iter()
                .map(Result::unwrap)
                .eq(0..10)
        );
    });
    // The parent's pools still work.
    let (first, ..) = pools.unwrap();
    assert_eq!(first.submit(|| 2).unwrap().wait().unwrap(), 2);
}
