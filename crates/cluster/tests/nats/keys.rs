//! Jobs with idempotency keys.

use std::time::Duration;

use effective_cluster::{Cluster, Handle};

use crate::support::jobs::{echo, lines, note};
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

fn ended<T>(handle: Handle<T>) -> T {
    let result = handle.wait_timeout(Duration::from_secs(60));
    result.expect("it ends").unwrap()
}

#[test]
fn job_with_a_key_runs_once_for_two_callers() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 2);
    let file = server.folder().join("notes");
    let input = (file.to_str().unwrap().to_owned(), "began".to_owned(), 500);
    let callers = [(); 2].map(|()| Cluster::connect(server.url()).unwrap());
    let [first, second] = [0, 1].map(|at: usize| {
        let submission = callers[at].submission().key("order 17");
        submission.submit::<note>(&input).unwrap()
    });
    assert_eq!(first.wait().unwrap(), second.wait().unwrap());
    assert_eq!(lines(&file).len(), 1, "it ran once");
    // Once it has ended, the key is no obstacle, and another key is another job.
    let again = callers[0]
        .submission()
        .key("order 17")
        .submit::<note>(&input)
        .unwrap();
    again.wait().unwrap();
    let other = callers[0]
        .submission()
        .key("order 18")
        .submit::<note>(&input)
        .unwrap();
    other.wait().unwrap();
    assert_eq!(lines(&file).len(), 3);
    drop(callers);
    wait_until_empty(server.port);
}

#[test]
fn job_with_a_key_runs_once_for_two_handles() {
    let Some(server) = Server::start() else {
        return;
    };
    let file = server.folder().join("notes");
    let input = (file.to_str().unwrap().to_owned(), "began".to_owned(), 500);
    let cluster = Cluster::connect(server.url()).unwrap();
    let submit = || {
        let submission = cluster.submission().key("order 17");
        submission.submit::<note>(&input).unwrap()
    };
    let [first, second, cancelled] = [(); 3].map(|()| submit());
    // The others still wait.
    assert!(cancelled.cancel());
    let worker = WorkerProcess::start(&server.url(), 2);
    assert_eq!([ended(first), ended(second)], [worker.id(); 2]);
    // Once they have ended, the key is no obstacle.
    assert_eq!(ended(submit()), worker.id());
    assert_eq!(lines(&file).len(), 2);
    assert_eq!(cluster.counts().resent, 0);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn large_values_reach_two_handles_of_a_key() {
    let Some(server) = Server::start() else {
        return;
    };
    let cluster = Cluster::connect(server.url()).unwrap();
    let bytes = vec![7; 2_000_000];
    let submit = || {
        let submission = cluster.submission().key("large");
        submission.submit::<echo>(&bytes).unwrap()
    };
    // The message may name the input of the one that is cancelled.
    let handles = [(); 3].map(|()| submit());
    let _worker = WorkerProcess::start(&server.url(), 2);
    let [cancelled, first, second] = handles;
    cancelled.cancel();
    assert!(ended(first) == bytes && ended(second) == bytes);
    assert_eq!(cluster.counts().failed_attempts, 0);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn ended_key_runs_again_where_lost_jobs_fail() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let file = server.folder().join("notes");
    let input = (file.to_str().unwrap().to_owned(), "began".to_owned(), 0);
    let cluster = Cluster::builder()
        .fail_lost_jobs()
        .connect(server.url())
        .unwrap();
    for runs in 1..=3 {
        let submission = cluster.submission().key("order 17");
        ended(submission.submit::<note>(&input).unwrap());
        assert_eq!(lines(&file).len(), runs);
    }
}
