//! Jobs that no worker knows.

use std::time::{Duration, Instant};

use effective_cluster::{Cluster, JobError};

use crate::support::jobs::{double, lines, nap, note, unknown_to_workers};
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

#[test]
fn unknown_job_is_left_alone_and_ends_unclaimed() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let after = Duration::from_millis(700);
    let cluster = Cluster::builder()
        .unclaimed_after(after)
        .connect(server.url())
        .unwrap();
    let start = Instant::now();
    let handle = cluster.submit::<unknown_to_workers>(1).unwrap();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    match handle.wait() {
        Err(JobError::Unclaimed { name, waited }) => {
            assert!(name.ends_with("::unknown_to_workers"));
            assert_eq!(waited, after);
        }
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= after);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn job_of_busy_workers_waits_on() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let after = Duration::from_millis(300);
    let cluster = Cluster::builder()
        .unclaimed_after(after)
        .connect(server.url())
        .unwrap();
    let handles: Vec<_> = (0..3)
        .map(|_| cluster.submit::<nap>(700).unwrap())
        .collect();
    for handle in handles {
        assert_eq!(handle.wait().unwrap(), 700);
    }
}

#[test]
fn begun_job_lost_with_its_worker_ends_unclaimed() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::builder()
        .unclaimed_after(Duration::from_secs(1))
        .connect(server.url())
        .unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let handle = cluster
        .submit::<note>((text, "began".to_owned(), 60_000))
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while lines(&file).is_empty() {
        assert!(Instant::now() < deadline, "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Until the caller knows.
    std::thread::sleep(Duration::from_millis(300));
    worker.kill();
    server.restart();
    let result = handle.wait_timeout(Duration::from_secs(60));
    assert!(matches!(result, Ok(Err(JobError::Unclaimed { .. }))));
}
