//! The default number of workers under a CPU quota.
#![cfg(all(target_os = "linux", not(miri)))]

mod quota;

use effective_thread_pool::ThreadPool;
use quota::under_a_quota;

#[test]
fn default_number_of_workers_follows_the_cpu_quota() {
    for (percent, most) in [(50, 1), (100, 1), (150, 2)] {
        let name = "default_number_of_workers_follows_the_cpu_quota";
        under_a_quota(name, percent, || {
            let workers = ThreadPool::builder().build().unwrap().workers();
            assert!((1..=most).contains(&workers), "{workers} for {percent} %");
        });
    }
}
