//! A pool in a forked child, which has none of its workers.
#![cfg(unix)]

mod forked;
mod support {
    pub(crate) mod pool;
}

use effective_data_parallel::DataParallel;
use forked::in_a_forked_child;
use support::pool::pool;

fn sum(parallel: &DataParallel) -> u64 {
    let inputs: Vec<u64> = (0..100).collect();
    let sum = parallel.fold(&inputs, || 0, |sum, n| sum + n, |a, b| a + b);
    sum.unwrap()
}

#[test]
fn pool_dropped_in_a_forked_child_does_not_panic() {
    let (first, second) = (pool(2), pool(2));
    assert_eq!(sum(&first), 4_950);
    let mut pools = Some((first, second));
    in_a_forked_child(|| {
        drop(pools.take());
        assert_eq!(sum(&pool(2)), 4_950);
    });
    let (first, _) = pools.unwrap();
    assert_eq!(sum(&first), 4_950);
}
