//! Threads: a cluster ends those that it started. Alone in its process, as other tests start some.

mod support;

use std::thread;
use std::time::Duration;

use effective_cluster::{Cluster, job};
use support::{live_threads, wait_for_threads};

job! {
    fn nap(milliseconds: u64) { thread::sleep(Duration::from_millis(milliseconds)); }
}

#[test]
fn threads_end_with_their_cluster() {
    let before = live_threads();
    for round in 0..20 {
        let cluster = Cluster::builder()
            .time_limit(Duration::from_millis(5))
            .local(1 + round % 3)
            .unwrap();
        cluster.submit::<nap>(1).unwrap().on_done(drop);
        // It is given up, and its thread ends by itself.
        drop(cluster.submit::<nap>(30).unwrap());
        cluster.shutdown();
    }
    wait_for_threads(before);
}
