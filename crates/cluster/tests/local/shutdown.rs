//! Shutting down: accepted jobs end, and nothing is left behind.

use std::thread;
use std::time::Duration;

use effective_cluster::{Cluster, JobError, SubmitError, job};

job! {
    fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
}

#[test]
fn drop_finishes_accepted_jobs() {
    let cluster = Cluster::local(2).unwrap();
    let handles: Vec<_> = (0..20).map(|_| cluster.submit::<nap>(5).unwrap()).collect();
    drop(cluster);
    for handle in handles {
        assert!(handle.is_finished());
        assert_eq!(handle.wait().unwrap(), 5);
    }
}

#[test]
fn closed_cluster_accepts_nothing() {
    let cluster = Cluster::local(1).unwrap();
    cluster.close();
    assert!(matches!(cluster.submit::<nap>(1), Err(SubmitError::Closed)));
    assert!(matches!(
        cluster.map::<nap>([1])[..],
        [Err(JobError::Closed)]
    ));
}

#[test]
fn shutdown_timeout_ends_the_rest_as_closed() {
    let cluster = Cluster::local(1).unwrap();
    let handles = [
        cluster.submit::<nap>(300).unwrap(),
        cluster.submit::<nap>(300).unwrap(),
    ];
    let still = cluster
        .shutdown_timeout(Duration::from_millis(1))
        .unwrap_err();
    assert_eq!(still.jobs(), 2);
    for handle in handles {
        assert!(matches!(handle.wait(), Err(JobError::Closed)));
    }
}

#[test]
fn shutdown_now_withdraws_pending_jobs() {
    let cluster = Cluster::local(1).unwrap();
    let handles: Vec<_> = (0..100)
        .map(|_| cluster.submit::<nap>(20).unwrap())
        .collect();
    cluster.shutdown_now();
    let closed = handles.into_iter().map(effective_cluster::Handle::wait);
    assert!(
        closed
            .filter(|result| matches!(result, Err(JobError::Closed)))
            .count()
            >= 98
    );
}
