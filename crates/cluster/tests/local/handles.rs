//! Handles: waiting, timeouts, awaiting, cancelling, callbacks, completion order.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_cluster::{Cluster, Job, JobError, TimedOut, as_completed, job};

job! {
    fn double(number: u64) -> u64 { 2 * number }

    fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
}

/// Implemented by hand, to choose the name.
struct Area;

impl Job for Area {
    const NAME: &'static str = "geometry/area/1";
    type Input = (f64, f64);
    type Output = f64;

    fn run((width, height): (f64, f64)) -> f64 {
        width * height
    }
}

#[test]
fn result_returns_to_its_handle() {
    let cluster = Cluster::local(2).unwrap();
    let handles: Vec<_> = (0..100)
        .map(|number| cluster.submit::<double>(number).unwrap())
        .collect();
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().unwrap(), 2 * number);
    }
    assert_eq!(
        cluster.submit::<Area>((2.0, 3.0)).unwrap().wait().unwrap(),
        6.0
    );
}

#[test]
fn wait_timeout_returns_the_handle() {
    let cluster = Cluster::local(1).unwrap();
    let handle = cluster.submit::<nap>(300).unwrap();
    let handle = handle.wait_timeout(Duration::from_millis(1)).unwrap_err();
    assert!(!handle.is_finished());
    let result = handle.wait_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(result.unwrap(), 300);
}

#[test]
fn handle_is_a_future() {
    let cluster = Cluster::local(1).unwrap();
    let result = futures::executor::block_on(cluster.submit::<nap>(20).unwrap());
    assert_eq!(result.unwrap(), 20);
}

#[test]
fn cancelled_job_never_runs() {
    let cluster = Cluster::local(1).unwrap();
    let first = cluster.submit::<nap>(200).unwrap();
    let second = cluster.submit::<double>(1).unwrap();
    assert!(second.cancel());
    assert!(!second.cancel());
    assert!(matches!(second.wait(), Err(JobError::Cancelled)));
    assert_eq!(first.wait().unwrap(), 200);
    let counts = cluster.counts();
    assert_eq!((counts.accepted, counts.ended), (2, 2));
}

#[test]
fn callback_gets_the_result_once() {
    let cluster = Cluster::local(2).unwrap();
    let (sender, receiver) = mpsc::channel();
    for number in 0..10 {
        let sender = sender.clone();
        let done = move |result: Result<u64, _>| sender.send(result.unwrap()).unwrap();
        cluster.submit::<double>(number).unwrap().on_done(done);
    }
    drop((cluster, sender));
    let mut results: Vec<u64> = receiver.iter().collect();
    results.sort_unstable();
    assert_eq!(
        results,
        (0..10).map(|number| 2 * number).collect::<Vec<_>>()
    );
}

#[test]
fn callback_may_drop_the_cluster() {
    let cluster = Cluster::local(1).unwrap();
    let handle = cluster.submit::<nap>(50).unwrap();
    let (sender, receiver) = mpsc::channel();
    handle.on_done(move |result| {
        drop(cluster);
        sender.send(result.unwrap()).unwrap();
    });
    assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(50));
}

#[test]
fn jobs_are_returned_as_they_complete() {
    let cluster = Cluster::local(2).unwrap();
    let handles = [
        cluster.submit::<nap>(300).unwrap(),
        cluster.submit::<nap>(1).unwrap(),
    ];
    let mut results = as_completed(handles);
    assert!(matches!(results.next(), Some((1, Ok(1)))));
    assert_eq!(
        results.next_timeout(Duration::from_millis(1)).unwrap_err(),
        TimedOut
    );
    assert!(matches!(results.next(), Some((0, Ok(300)))));
    assert!(results.next().is_none());
}
