//! Workers that die, stop, continue and drain.

use std::time::{Duration, Instant};

use effective_cluster::{Cluster, as_completed};
use rustix::process::Signal;

use crate::support::jobs::{ACK_WAIT, double, lines, nap, note};
use crate::support::raw::wait_until_empty;
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

fn wait_for_lines(file: &std::path::Path, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while lines(file).len() < count {
        assert!(Instant::now() < deadline, "{:?}", lines(file));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killing_half_of_the_workers_loses_no_job() {
    const JOBS: usize = 10_000;
    let Some(server) = Server::start() else {
        return;
    };
    let mut workers = [(); 4].map(|()| WorkerProcess::start(&server.url(), 2));
    let cluster = Cluster::connect(server.url()).unwrap();
    let handles: Vec<_> = (0..JOBS)
        .map(|_| cluster.submit::<nap>(1).unwrap())
        .collect();
    let mut completed = as_completed(handles);
    for _ in 0..JOBS / 2 {
        assert_eq!(completed.next().unwrap().1.unwrap(), 1);
    }
    for worker in &mut workers[..2] {
        worker.kill();
    }
    let killed = Instant::now();
    // The survivors go on at once. They get the jobs of the dead after `ack_wait`, and usually
    // have others to run until then: the machine may be slow, but no result stays away for longer.
    let (mut last, mut longest, mut count) = (killed, Duration::ZERO, 0);
    for (_, result) in completed {
        assert_eq!(result.unwrap(), 1);
        count += 1;
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    println!(
        "{count} results in {:?}, and {longest:?} without one",
        killed.elapsed()
    );
    assert_eq!(count, JOBS / 2);
    assert!(longest <= ACK_WAIT + Duration::from_secs(1), "{longest:?}");
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn job_of_killed_worker_runs_elsewhere() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut first = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let handle = cluster
        .submit::<note>((text, "began".to_owned(), 3_000))
        .unwrap();
    wait_for_lines(&file, 1);
    let second = WorkerProcess::start(&server.url(), 1);
    first.kill();
    assert_eq!(handle.wait().unwrap(), second.id());
    assert_eq!(lines(&file).len(), 2);
}

#[test]
fn stopped_worker_delivers_late_and_first_result_wins() {
    let Some(server) = Server::start() else {
        return;
    };
    let first = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let handle = cluster
        .submit::<note>((text, "began".to_owned(), 300))
        .unwrap();
    wait_for_lines(&file, 1);
    first.signal(Signal::STOP);
    let second = WorkerProcess::start(&server.url(), 1);
    assert_eq!(handle.wait().unwrap(), second.id());
    first.signal(Signal::CONT);
    let deadline = Instant::now() + Duration::from_secs(30);
    while cluster.counts().late == 0 {
        assert!(Instant::now() < deadline, "{:?}", cluster.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
    // It goes on with other jobs.
    drop(second);
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    drop(cluster);
    wait_until_empty(server.port);
}

#[test]
fn long_job_outlives_the_ack_wait() {
    let Some(server) = Server::start() else {
        return;
    };
    let _workers = [(); 2].map(|()| WorkerProcess::start(&server.url(), 1));
    let cluster = Cluster::connect(server.url()).unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let milliseconds = ACK_WAIT.as_millis() as u64 * 5 / 2;
    let handle = cluster
        .submit::<note>((text, "began".to_owned(), milliseconds))
        .unwrap();
    handle.wait().unwrap();
    assert_eq!(lines(&file).len(), 1, "it ran once");
}

#[test]
fn terminated_worker_finishes_what_it_began() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut first = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let file = server.folder().join("notes");
    let text = file.to_str().unwrap().to_owned();
    let began = cluster
        .submit::<note>((text, "began".to_owned(), 500))
        .unwrap();
    wait_for_lines(&file, 1);
    // Pulled ahead, or not yet.
    let waiting: Vec<_> = (0..5)
        .map(|_| cluster.submit::<double>(3).unwrap())
        .collect();
    first.signal(Signal::TERM);
    assert_eq!(began.wait().unwrap(), first.id());
    assert!(first.wait().success());
    let _second = WorkerProcess::start(&server.url(), 1);
    for handle in waiting {
        assert_eq!(handle.wait().unwrap(), 6);
    }
    assert_eq!(lines(&file).len(), 1, "it ran once");
}

#[test]
fn worker_drains_after_it_was_stopped() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut worker = WorkerProcess::start(&server.url(), 4);
    let cluster = Cluster::connect(server.url()).unwrap();
    let handles: Vec<_> = (0..300)
        .map(|_| cluster.submit::<nap>(20).unwrap())
        .collect();
    let mut completed = as_completed(handles);
    for _ in 0..3 {
        // Enough to pull some ahead again. Those are given to others meanwhile, and must not begin.
        for _ in 0..50 {
            completed.next().unwrap().1.unwrap();
        }
        worker.signal(Signal::STOP);
        std::thread::sleep(ACK_WAIT * 3 / 2);
        worker.signal(Signal::CONT);
    }
    for (_, result) in completed {
        assert_eq!(result.unwrap(), 20);
    }
    worker.signal(Signal::TERM);
    assert!(worker.wait().success());
}
