//! Submitting, waiting and mapping, with workers in other processes.

use std::time::Duration;

use effective_cluster::{Cluster, JobError, as_completed, worker};
use futures::executor::block_on;
use futures::stream::{self, StreamExt};

use crate::support::jobs::{ACK_WAIT, double, jobs, nap, process_id};
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

#[test]
fn job_runs_in_another_process() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 2);
    let cluster = Cluster::connect(server.url()).unwrap();
    assert_eq!(cluster.submit::<double>(21).unwrap().wait().unwrap(), 42);
    let id = cluster.submit::<process_id>(()).unwrap();
    assert_ne!(block_on(id).unwrap(), std::process::id());
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn worker_may_come_after_its_jobs() {
    let Some(server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    let handle = cluster.submit::<double>(4).unwrap();
    let handle = handle.wait_timeout(Duration::from_millis(50)).unwrap_err();
    let worker = worker(&jobs())
        .server(server.url())
        .slots(1)
        .ack_wait(ACK_WAIT)
        .start()
        .unwrap();
    assert_eq!(handle.wait().unwrap(), 8);
    worker.drain();
    worker.join().unwrap();
}

#[test]
fn maps_and_streams_keep_input_order() {
    let Some(server) = Server::start() else {
        return;
    };
    let _workers = [1, 2].map(|slots| WorkerProcess::start(&server.url(), slots));
    let cluster = Cluster::connect(server.url()).unwrap();
    let results: Result<Vec<u64>, _> = cluster.map::<double>(0..20_000).into_iter().collect();
    assert!(
        results
            .unwrap()
            .into_iter()
            .eq((0..20_000).map(|number| 2 * number))
    );
    assert!(cluster.counts().accepted < 10_000);
    let results = cluster
        .mapping()
        .stream::<double, _>(stream::iter(0..3_000));
    let results: Vec<u64> = block_on(results.map(Result::unwrap).collect());
    assert!(results.into_iter().eq((0..3_000).map(|number| 2 * number)));
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn quick_job_does_not_wait_behind_long_one() {
    let Some(server) = Server::start() else {
        return;
    };
    let _workers = [1, 1].map(|slots| WorkerProcess::start(&server.url(), slots));
    let cluster = Cluster::connect(server.url()).unwrap();
    let long = cluster.submit::<nap>(60_000).unwrap();
    // Some of them are pulled ahead by the worker that is busy.
    let quick: Vec<_> = (0..20).map(|_| cluster.submit::<nap>(1).unwrap()).collect();
    for (_, result) in as_completed(quick) {
        assert_eq!(result.unwrap(), 1);
    }
    assert!(!long.is_finished());
    cluster.shutdown_now();
    assert!(matches!(long.wait(), Err(JobError::Closed)));
}

#[test]
fn brief_result_leaves_while_a_long_job_runs() {
    let Some(server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    // Both wait when the worker comes, so that its slot gets them together.
    let brief = cluster.submit::<nap>(0).unwrap();
    let long = cluster.submit::<nap>(60_000).unwrap();
    let _worker = WorkerProcess::start(&server.url(), 1);
    assert_eq!(brief.wait().unwrap(), 0);
    assert!(!long.is_finished());
    cluster.shutdown_now();
}

#[test]
fn cancelled_job_leaves_the_stream() {
    let Some(server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    let handles: Vec<_> = (0..10)
        .map(|_| cluster.submit::<double>(1).unwrap())
        .collect();
    for handle in handles {
        assert!(handle.cancel());
        assert!(matches!(handle.wait(), Err(JobError::Cancelled)));
    }
    drop(cluster);
    wait_until_empty(server.port);
}
