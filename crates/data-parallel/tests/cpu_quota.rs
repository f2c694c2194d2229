//! How many workers there are under a CPU quota.
#![cfg(target_os = "linux")]

mod quota;

use effective_data_parallel::DataParallel;
use quota::under_a_quota;

#[test]
fn a_worker_per_core_and_the_global_pool_heed_a_cpu_quota() {
    under_a_quota(
        "a_worker_per_core_and_the_global_pool_heed_a_cpu_quota",
        100,
        || {
            let own = DataParallel::new().worker_per_core().unwrap();
            assert_eq!(own.worker_count(), 1);
            assert_eq!(DataParallel::new().worker_count(), 1);
        },
    );
}
