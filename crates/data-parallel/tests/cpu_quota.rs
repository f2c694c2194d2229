//! The number of workers under a CPU quota.
#![cfg(target_os = "linux")]

mod quota;

use effective_data_parallel::DataParallel;
use quota::under_a_quota;

#[test]
fn worker_per_core_and_global_pool_honour_a_cpu_quota() {
    under_a_quota(
        "worker_per_core_and_global_pool_honour_a_cpu_quota",
        100,
        || {
            let own = DataParallel::new().worker_per_core().unwrap();
            assert_eq!(own.worker_count(), 1);
            assert_eq!(DataParallel::new().worker_count(), 1);
        },
    );
}
