//! A crash in a worker of `cluster` fails only its own job.

#[path = "support/server.rs"]
#[allow(dead_code, reason = "the tests of `cluster` use more of it")]
mod server;

use std::num::NonZeroU32;
use std::time::Duration;

use cluster_with_processes::{run_in, shared_job};
use effective_cluster::{Cluster, JobError, Reason, Retry};
use effective_process_pool::ProcessPool;

shared_job!(
    /// Divides, and aborts on zero as a C library might.
    Divide = "divide/1": (u32, u32) => u32, |(number, by): (u32, u32)| {
        if by == 0 {
            std::process::abort();
        }
        number / by
    }
);
shared_job!(
    /// Sleeps.
    Nap = "nap/1": u64 => u64, |milliseconds| {
        std::thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
);

#[track_caller]
fn reason<T: std::fmt::Debug>(result: Result<T, JobError>) -> String {
    match result {
        Err(JobError::Poisoned(poisoned)) => match poisoned.reason() {
            Reason::Failed(why) => why.clone(),
            other => panic!("{other}"),
        },
        other => panic!("not poisoned: {other:?}"),
    }
}

#[test]
fn crash_fails_only_its_own_job() {
    let program = effective_process_pool::register![Divide, Nap];
    let Some(server) = server::Server::start() else {
        return;
    };
    let pool = ProcessPool::new(&program, 2).unwrap();
    let jobs = effective_cluster::register![Divide, Nap];
    let _worker = effective_cluster::worker(&jobs)
        .server(server.url())
        .slots(2)
        .run_on(move |call| run_in(&pool, &call))
        .start()
        .unwrap();
    let once = Retry::new(NonZeroU32::new(1).unwrap());
    let cluster = Cluster::builder()
        .retry(once)
        .connect(server.url())
        .unwrap();
    let results = cluster.map::<Divide>([(8, 2), (8, 0), (8, 4)]);
    assert!(matches!(results[..], [Ok(4), Err(_), Ok(2)]), "{results:?}");
    let why = reason(cluster.submit::<Divide>((1, 0)).unwrap().wait());
    assert!(why.contains("SIGABRT"), "{why}");
    // A process can be ended at its time limit, and its slot is free again.
    let limited = cluster.submission().time_limit(Duration::from_millis(200));
    assert!(limited.submit::<Nap>(60_000).unwrap().wait().is_err());
    assert_eq!(cluster.submit::<Nap>(1).unwrap().wait().unwrap(), 1);
}
