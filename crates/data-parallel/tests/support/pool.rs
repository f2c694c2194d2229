//! Pools with a given number of workers.
#![allow(dead_code, reason = "a test may need one of these")]

use std::num::NonZeroUsize;

use effective_data_parallel::DataParallel;

/// `n`, which must not be 0.
pub(crate) fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not 0")
}

pub(crate) fn pool(workers: usize) -> DataParallel {
    let pool = DataParallel::new().workers(count(workers));
    pool.expect("the pool starts")
}
