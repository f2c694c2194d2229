//! Attempts that fail, and jobs that are poisoned.

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_cluster::{Cluster, JobError, Poisoned, Reason};

use crate::support::jobs::{attempts, die, double, fail, fail_then_die, lines, nap};
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

#[track_caller]
fn poisoned<T: std::fmt::Debug>(result: Result<T, JobError>) -> Poisoned {
    match result {
        Err(JobError::Poisoned(poisoned)) => poisoned,
        other => panic!("not poisoned: {other:?}"),
    }
}

#[test]
fn panic_poisons_after_last_attempt() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::builder()
        .retry(attempts(4))
        .connect(server.url())
        .unwrap();
    let error = poisoned(cluster.submit::<fail>("no luck".to_owned()).unwrap().wait());
    assert_eq!(error.attempts(), 4);
    assert!(matches!(error.reason(), Reason::Panicked(panic) if panic.message() == "no luck"));
    // The worker lives on.
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn chunk_has_no_more_attempts_than_its_inputs() {
    let Some(server) = Server::start() else {
        return;
    };
    let _workers = [(); 5].map(|()| WorkerProcess::start(&server.url(), 1));
    let cluster = Cluster::connect(server.url()).unwrap();
    let file = server.folder().join("attempts");
    let inputs = [(); 2].map(|()| file.to_str().unwrap().to_owned());
    let mapping = cluster.mapping().retry(attempts(1));
    let mapping = mapping.chunk_size(NonZeroUsize::new(2).unwrap());
    for result in mapping.iter::<die, _>(&inputs) {
        assert_eq!(poisoned(result).attempts(), 1);
    }
    // The first input began with the chunk, and each by itself.
    assert_eq!(lines(&file).len(), 3);
}

#[test]
fn job_beyond_its_limit_is_poisoned() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let limit = Duration::from_millis(100);
    let cluster = Cluster::builder()
        .retry(attempts(1))
        .connect(server.url())
        .unwrap();
    let submission = cluster.submission().time_limit(limit);
    let error = poisoned(submission.submit::<nap>(2_000).unwrap().wait());
    assert!(matches!(error.reason(), Reason::TimedOut(found) if *found == limit));
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
}

#[test]
fn job_that_kills_its_workers_is_poisoned() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut workers = [(); 4].map(|()| WorkerProcess::start(&server.url(), 1));
    let cluster = Cluster::builder()
        .retry(attempts(2))
        .connect(server.url())
        .unwrap();
    let file = server.folder().join("attempts");
    let handle = cluster
        .submit::<die>(file.to_str().unwrap().to_owned())
        .unwrap();
    let error = poisoned(handle.wait());
    assert_eq!(error.attempts(), 2);
    assert!(matches!(error.reason(), Reason::WorkerLost));
    assert_eq!(lines(&file).len(), 2);
    // The others still work.
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    // Its message is gone, and the caller does not take it for lost: that would kill the others.
    wait_until_empty(server.port);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(lines(&file).len(), 2);
    assert_eq!(cluster.counts().resent, 0);
    drop(cluster);
    workers.iter_mut().for_each(WorkerProcess::kill);
}

#[test]
fn poisoned_job_is_removed_after_all_workers_died() {
    let Some(server) = Server::start() else {
        return;
    };
    let _workers = [(); 2].map(|()| WorkerProcess::start(&server.url(), 1));
    let cluster = Cluster::builder()
        .retry(attempts(2))
        .connect(server.url())
        .unwrap();
    let file = server.folder().join("attempts");
    let handle = cluster
        .submit::<die>(file.to_str().unwrap().to_owned())
        .unwrap();
    let error = poisoned(handle.wait());
    assert_eq!((error.attempts(), lines(&file).len()), (2, 2));
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn job_that_kills_its_last_worker_at_once_is_poisoned() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::builder()
        .retry(attempts(2))
        .connect(server.url())
        .unwrap();
    let file = server.folder().join("attempts");
    let handle = cluster
        .submit::<fail_then_die>(file.to_str().unwrap().to_owned())
        .unwrap();
    // Before its first heartbeat, and after an attempt that ended well for the worker.
    let result = handle.wait_timeout(Duration::from_secs(60));
    let error = poisoned(result.expect("it ends"));
    assert!(matches!(error.reason(), Reason::WorkerLost));
    assert_eq!((error.attempts(), lines(&file).len()), (2, 2));
    drop(cluster);
    wait_until_empty(server.port);
}
