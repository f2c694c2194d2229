//! Callers that are stopped, cut off, or ahead of a full server.

use std::time::{Duration, Instant};

use effective_cluster::{Cluster, Handle};
use rustix::process::Signal;

use crate::support::jobs::{ACK_WAIT, attempts, double, fill, lines, nap, note, size};
use crate::support::link::Link;
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

fn ended<T>(handle: Handle<T>) -> T {
    let result = handle.wait_timeout(Duration::from_secs(60));
    result.expect("it ends").unwrap()
}

#[test]
fn outage_of_the_caller_is_no_death_of_a_worker() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let link = Link::to(server.port);
    let cluster = Cluster::builder()
        .retry(attempts(1))
        .connect(format!("nats://127.0.0.1:{}", link.port))
        .unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let outage = ACK_WAIT * 4;
    let milliseconds = (outage + ACK_WAIT * 3).as_millis() as u64;
    let handle = cluster
        .submit::<note>((text, "began".to_owned(), milliseconds))
        .unwrap();
    let start = Instant::now();
    while lines(&file).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Long enough for the caller to be told that it has begun.
    std::thread::sleep(ACK_WAIT / 2);
    link.set_rate(0);
    std::thread::sleep(outage);
    link.open();
    ended(handle);
    assert_eq!(cluster.counts().failed_attempts, 0);
    assert_eq!(lines(&file).len(), 1);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn stopped_worker_still_claims_its_jobs() {
    let Some(server) = Server::start() else {
        return;
    };
    let worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::builder()
        .unclaimed_after(Duration::from_millis(500))
        .connect(server.url())
        .unwrap();
    assert_eq!(ended(cluster.submit::<double>(1).unwrap()), 2);
    worker.signal(Signal::STOP);
    let handle = cluster.submit::<double>(2).unwrap();
    // Longer than a question may take.
    std::thread::sleep(Duration::from_secs(4));
    assert!(!handle.is_finished());
    worker.signal(Signal::CONT);
    assert_eq!(ended(handle), 4);
}

#[test]
fn jobs_without_a_number_are_not_lost_with_the_stream() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let cluster = Cluster::builder()
        .fail_lost_jobs()
        .connect(server.url())
        .unwrap();
    server.kill();
    let handles = [(); 10].map(|()| cluster.submit::<double>(4).unwrap());
    server.restart();
    let _worker = WorkerProcess::start(&server.url(), 1);
    for handle in handles {
        assert_eq!(ended(handle), 8);
    }
}

#[test]
fn full_account_holds_jobs_up() {
    let Some(server) = Server::with_config(
        "accounts { jobs { jetstream { max_memory: 300000 }
            users [{ user: u, password: p }] } }",
    ) else {
        return;
    };
    let url = format!("nats://u:p@127.0.0.1:{}", server.port);
    let cluster = Cluster::connect(url.as_str()).unwrap();
    let handles: Vec<_> = (0..20)
        .map(|_| cluster.submit::<size>(vec![0; 40_000]).unwrap())
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let _worker = WorkerProcess::start(&url, 2);
    for handle in handles {
        assert_eq!(ended(handle), 40_000);
    }
}

#[test]
fn input_is_stored_before_its_job_is_published() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let link = Link::to(server.port);
    let cluster = Cluster::connect(format!("nats://127.0.0.1:{}", link.port)).unwrap();
    assert_eq!(ended(cluster.submit::<nap>(1).unwrap()), 1);
    // The upload takes longer than the caller waits before it publishes a job again.
    link.set_rate(4_000_000 / 6);
    let handle = cluster.submit::<size>(vec![0; 4_000_000]).unwrap();
    assert_eq!(ended(handle), 4_000_000);
    assert_eq!(cluster.counts().failed_attempts, 0);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn large_output_is_not_run_again_while_it_is_fetched() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let link = Link::to(server.port);
    let cluster = Cluster::connect(format!("nats://127.0.0.1:{}", link.port)).unwrap();
    assert_eq!(ended(cluster.submit::<nap>(1).unwrap()), 1);
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    // The download takes longer than a worker may be silent.
    link.set_rate((3_000_000.0 / (ACK_WAIT * 4).as_secs_f64()) as u64);
    let handle = cluster.submit::<fill>((text, 3_000_000)).unwrap();
    assert_eq!(ended(handle).len(), 3_000_000);
    assert_eq!(lines(&file).len(), 1, "it ran once");
    let counts = cluster.counts();
    assert_eq!((counts.failed_attempts, counts.late), (0, 0));
    drop(cluster);
    wait_until_empty(server.port);
}
