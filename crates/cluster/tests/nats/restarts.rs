//! A server that restarts.

use std::time::{Duration, Instant};

use effective_cluster::{Cluster, JobError};

use crate::support::jobs::double;
use crate::support::raw::{Raw, wait_until_empty};
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

fn wait_for_jobs(port: u16, jobs: u64) {
    let mut raw = Raw::connect(port);
    let deadline = Instant::now() + Duration::from_secs(30);
    while raw.waiting() < jobs {
        assert!(Instant::now() < deadline, "the jobs are not in the stream");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn jobs_lost_with_the_memory_are_sent_again() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    let handles: Vec<_> = (0..50)
        .map(|number| cluster.submit::<double>(number).unwrap())
        .collect();
    wait_for_jobs(server.port, 50);
    server.restart();
    let _worker = WorkerProcess::start(&server.url(), 2);
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().unwrap(), 2 * number);
    }
    assert_eq!(cluster.counts().resent, 50);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn jobs_lost_with_the_memory_fail_on_demand() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let cluster = Cluster::builder()
        .fail_lost_jobs()
        .connect(server.url())
        .unwrap();
    let handle = cluster.submit::<double>(1).unwrap();
    wait_for_jobs(server.port, 1);
    server.restart();
    assert!(matches!(handle.wait(), Err(JobError::Lost(_))));
}

#[test]
fn durable_jobs_survive_a_restart() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let cluster = Cluster::builder().durable().connect(server.url()).unwrap();
    let handles: Vec<_> = (0..50)
        .map(|number| cluster.submit::<double>(number).unwrap())
        .collect();
    wait_for_jobs(server.port, 50);
    server.restart();
    let _worker = WorkerProcess::start(&server.url(), 2);
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().unwrap(), 2 * number);
    }
    assert_eq!(cluster.counts().resent, 0);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn shutdown_returns_without_the_server() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    let handle = cluster.submit::<double>(1).unwrap();
    server.kill();
    let waiting = cluster.shutdown_timeout(Duration::from_millis(100));
    assert_eq!(waiting.unwrap_err().jobs(), 1);
    assert!(matches!(handle.wait(), Err(JobError::Closed)));
}

#[test]
fn worker_goes_on_after_a_restart() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 2);
    let cluster = Cluster::connect(server.url()).unwrap();
    for round in 0..3 {
        assert_eq!(
            cluster.submit::<double>(round).unwrap().wait().unwrap(),
            2 * round
        );
        server.restart();
    }
    assert_eq!(cluster.submit::<double>(9).unwrap().wait().unwrap(), 18);
}
