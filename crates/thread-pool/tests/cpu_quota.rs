//! How many workers a pool has under a CPU quota.
#![cfg(all(target_os = "linux", not(miri)))]

mod quota;

use effective_thread_pool::ThreadPool;
use quota::under_a_quota;

#[test]
fn a_default_pool_has_as_many_workers_as_the_quota_has_cpus() {
    for (percent, most) in [(50, 1), (100, 1), (150, 2)] {
        let name = "a_default_pool_has_as_many_workers_as_the_quota_has_cpus";
        under_a_quota(name, percent, || {
            let workers = ThreadPool::builder().build().unwrap().workers();
            assert!((1..=most).contains(&workers), "{workers} for {percent} %");
        });
    }
}
