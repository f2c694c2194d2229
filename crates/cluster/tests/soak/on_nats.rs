//! Full load on a server, while everything around the caller fails.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use effective_cluster::{Cluster, Handle, JobError, Reason};
use rustix::process::Signal;

use crate::nats::jobs::{ACK_WAIT, attempts, double, fail, nap};
use crate::nats::raw::{Raw, wait_until_empty};
use crate::nats::server::Server;
use crate::nats::worker::WorkerProcess;
use crate::proxy::Link;
use crate::support::{Random, soak_time};

/// Jobs that are outstanding, at most.
const OUTSTANDING: usize = 300;
/// How often something fails.
const PERIOD: Duration = Duration::from_millis(200);
/// How long the last jobs may take once nothing fails any more.
const SETTLE: Duration = Duration::from_secs(90);

enum Expected {
    Double(u64, Handle<u64>),
    /// With one attempt, which is used up if its worker or its report is lost.
    Once(u64, Handle<u64>),
    Nap(u64, Handle<u64>),
    Failure(Handle<u64>),
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("Linux lists descriptors")
        .count()
}

fn threads_of_clusters() -> usize {
    crate::support::threads_named("cluster-call")
}

struct Chaos {
    server: Server,
    link: Link,
    workers: Vec<WorkerProcess>,
    stopped: Option<(usize, Instant)>,
    restarts: Vec<Instant>,
    tally: BTreeMap<&'static str, u32>,
}

impl Chaos {
    /// Lets something fail.
    fn strike(&mut self, random: &mut Random) {
        let now = Instant::now();
        if self.restarts.first().is_some_and(|due| *due <= now) {
            self.restarts.remove(0);
            self.count("restarts");
            self.go_on();
            // A worker that finds no server at its start ends.
            self.workers.iter_mut().for_each(WorkerProcess::wait_ready);
            self.server.restart();
            return;
        }
        if let Some((_, since)) = self.stopped
            && now.duration_since(since) > Duration::from_millis(1_500)
        {
            self.go_on();
        }
        let at = random.size(self.workers.len() as u64);
        match random.below(4) {
            0 if self.stopped.is_none_or(|(stopped, _)| stopped != at) => {
                self.count("kills");
                self.workers[at].kill();
                self.workers[at] = WorkerProcess::start(&self.server.url(), 2);
            }
            1 if self.stopped.is_none() => {
                self.count("stops");
                self.workers[at].signal(Signal::STOP);
                self.stopped = Some((at, now));
            }
            2 => {
                self.count("cuts");
                self.link.cut();
            }
            _ => {}
        }
    }

    /// Continues the worker that is stopped.
    fn go_on(&mut self) {
        if let Some((at, _)) = self.stopped.take() {
            self.workers[at].signal(Signal::CONT);
        }
    }

    /// Ends the workers, which hold no job any more.
    fn drain(&mut self) {
        for worker in &mut self.workers {
            worker.wait_ready();
            worker.signal(Signal::TERM);
        }
        for worker in &mut self.workers {
            assert!(worker.wait().success(), "a worker failed");
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }
}

#[test]
fn every_job_ends_once_whatever_fails() {
    let Some(server) = Server::start() else {
        return;
    };
    let time = soak_time();
    let link = Link::to(server.port);
    let now = Instant::now();
    let mut chaos = Chaos {
        workers: (0..3)
            .map(|_| WorkerProcess::start(&server.url(), 2))
            .collect(),
        server,
        link,
        stopped: None,
        restarts: vec![now + time / 3, now + time * 2 / 3],
        tally: BTreeMap::new(),
    };
    let url = format!("nats://127.0.0.1:{}", chaos.link.port);
    // The first runtime of a process opens two descriptors for signals, which stay.
    drop(Cluster::connect(url.as_str()).unwrap());
    chaos.link.cut();
    let before = (threads_of_clusters(), descriptors());
    let cluster = Cluster::builder()
        .retry(attempts(1_000))
        .connect(url.as_str())
        .unwrap();
    let mut random = Random(0x9e37_79b9 ^ u64::from(std::process::id()));
    let (mut open, mut ended, mut number) = (Vec::new(), 0_u64, 0_u64);
    let mut strike_at = now + PERIOD;
    while now.elapsed() < time {
        if open.len() < OUTSTANDING {
            number += 1;
            open.push(submit(&cluster, number, &mut random));
        } else {
            thread::sleep(Duration::from_millis(1));
        }
        ended += collect(&mut open);
        if Instant::now() >= strike_at {
            strike_at += PERIOD;
            chaos.strike(&mut random);
        }
    }
    chaos.go_on();
    let deadline = Instant::now() + SETTLE;
    while !open.is_empty() {
        ended += collect(&mut open);
        assert!(
            Instant::now() < deadline,
            "{} jobs never end: {:?}",
            open.len(),
            cluster.counts()
        );
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(ended, number);
    let counts = cluster.counts();
    assert_eq!((counts.accepted, counts.ended), (number, number));
    // Nothing is left for the shutdown to remove, and nothing comes back: not even after the time
    // in which a caller misses a silent worker.
    wait_until_empty(chaos.server.port);
    thread::sleep(3 * ACK_WAIT);
    assert_eq!(Raw::connect(chaos.server.port).waiting(), 0);
    cluster.shutdown();
    wait_until_empty(chaos.server.port);
    chaos.drain();
    chaos.link.cut();
    let deadline = Instant::now() + SETTLE;
    while threads_of_clusters() > before.0 || descriptors() > before.1 {
        assert!(Instant::now() < deadline, "threads or descriptors are left");
        thread::sleep(Duration::from_millis(5));
    }
    println!("{number} jobs, {:?}, {counts:?}", chaos.tally);
}

fn submit(cluster: &Cluster, number: u64, random: &mut Random) -> Expected {
    match random.below(10) {
        0 => {
            let milliseconds = random.below(50);
            Expected::Nap(milliseconds, cluster.submit::<nap>(milliseconds).unwrap())
        }
        1 => {
            let submission = cluster.submission().retry(attempts(2));
            Expected::Failure(submission.submit::<fail>("on purpose".to_owned()).unwrap())
        }
        2 => {
            let submission = cluster.submission().retry(attempts(1));
            Expected::Once(number, submission.submit::<double>(number).unwrap())
        }
        _ => Expected::Double(number, cluster.submit::<double>(number).unwrap()),
    }
}

/// Takes the jobs that have ended, checks them, and returns their number.
fn collect(open: &mut Vec<Expected>) -> u64 {
    let before = open.len();
    let waiting = std::mem::take(open)
        .into_iter()
        .filter_map(|expected| match expected {
            Expected::Double(number, handle) if handle.is_finished() => {
                assert_eq!(handle.wait().unwrap(), 2 * number);
                None
            }
            Expected::Once(number, handle) if handle.is_finished() => {
                match handle.wait() {
                    Err(JobError::Poisoned(poisoned)) => {
                        assert!(
                            matches!(poisoned.reason(), Reason::WorkerLost),
                            "{poisoned}"
                        );
                        assert_eq!(poisoned.attempts(), 1);
                    }
                    result => assert_eq!(result.unwrap(), 2 * number),
                }
                None
            }
            Expected::Nap(milliseconds, handle) if handle.is_finished() => {
                assert_eq!(handle.wait().unwrap(), milliseconds);
                None
            }
            Expected::Failure(handle) if handle.is_finished() => {
                match handle.wait() {
                    Err(JobError::Poisoned(poisoned)) => assert!(
                        matches!(poisoned.reason(), Reason::Panicked(_) | Reason::WorkerLost),
                        "{poisoned}"
                    ),
                    other => panic!("it cannot succeed: {other:?}"),
                }
                None
            }
            waiting => Some(waiting),
        });
    *open = waiting.collect();
    (before - open.len()) as u64
}
