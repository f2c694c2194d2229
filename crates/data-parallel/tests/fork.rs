//! What is left of a pool in a child that was forked: nothing, and it does no harm.
#![cfg(unix)]

mod forked;

use effective_data_parallel::DataParallel;
use forked::in_a_forked_child;

fn sum(parallel: &DataParallel) -> u64 {
    let inputs: Vec<u64> = (0..100).collect();
    let sum = parallel.fold(&inputs, || 0, |sum, n| sum + n, |a, b| a + b);
    sum.unwrap()
}

#[test]
fn a_pool_dropped_in_a_forked_child_does_not_panic() {
    let pool = || DataParallel::new().workers(2).unwrap();
    let (first, second) = (pool(), pool());
    assert_eq!(sum(&first), 4_950);
    let mut pools = Some((first, second));
    in_a_forked_child(|| {
        drop(pools.take());
        assert_eq!(sum(&pool()), 4_950);
    });
    let (first, _) = pools.unwrap();
    assert_eq!(sum(&first), 4_950);
}
