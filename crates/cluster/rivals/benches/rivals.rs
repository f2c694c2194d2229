//! `cluster` against async-nats itself, `process-pool`, and Python's Dask distributed and Celery:
//! one job at a time, 1,000 outstanding, 64 KiB payloads, and a map of 100,000.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use cluster_rivals::{CELERY, DASK, Python, Raw, Server, WORKERS, Workers, echo, work_if_asked};
use effective_cluster::{Cluster, Handle};
use effective_process_pool::{self as process_pool, ProcessPool, register};
use workload_rivals::{Contest, Settings, timed};

mod pool {
    effective_process_pool::job! {
        pub fn echo(bytes: Vec<u8>) -> Vec<u8> { bytes }
    }
}

/// Jobs that are outstanding.
const WINDOW: usize = 1_000;
const TINY: usize = 8;
const LARGE: usize = 64 << 10;

/// All contenders.
struct Field {
    cluster: Cluster,
    raw: RefCell<Raw>,
    pool: ProcessPool,
    pythons: Vec<(&'static str, RefCell<Python>)>,
}

fn main() {
    // A worker of the pool starts here, and does not return.
    let program = register![pool::echo];
    work_if_asked();
    let settings = Settings::from_args();
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let _workers = ["cluster", "raw"].map(|kind| Workers::start(kind, &url));
    let started = [DASK, CELERY].into_iter().filter_map(|rival| {
        let python = Python::start(rival)?;
        Some((rival.name, RefCell::new(python)))
    });
    let field = Field {
        cluster: Cluster::connect(url.as_str()).expect("the server"),
        raw: RefCell::new(Raw::connect(&url)),
        pool: ProcessPool::new(&program, WORKERS).expect("a pool"),
        pythons: started.collect(),
    };
    field.trips(&settings);
    field.flood(&settings, TINY, 20_000, 20);
    field.flood(&settings, LARGE, 500, 5);
    field.map(&settings);
}

impl Field {
    fn trips(&self, settings: &Settings) {
        const COUNT: usize = 500;
        let payload = vec![7; TINY];
        let contest = Contest::new("one job there and back", "job", COUNT as u64)
            .ours("cluster", || {
                timed(|| {
                    for _ in 0..COUNT {
                        let job = self.cluster.submit::<echo>(&payload).expect("accepted");
                        assert_eq!(job.wait().expect("a result"), payload);
                    }
                })
            })
            .rival("async-nats, JetStream", || {
                timed(|| self.raw.borrow_mut().trips(COUNT, &payload))
            })
            .limit("async-nats, request and reply", || {
                timed(|| self.raw.borrow_mut().requests(COUNT, &payload))
            })
            .limit("process-pool", || {
                timed(|| {
                    for _ in 0..COUNT {
                        let job = self.pool.submit::<pool::echo>(&payload).expect("accepted");
                        assert_eq!(job.wait().expect("a result"), payload);
                    }
                })
            });
        self.with_pythons(contest, "back", COUNT, 10, TINY)
            .reach(1.3, "async-nats, JetStream")
            .run(settings);
    }

    fn flood(&self, settings: &Settings, bytes: usize, count: usize, share: usize) {
        let payload = vec![7; bytes];
        let title = format!("{WINDOW} outstanding, {bytes} bytes");
        let contest = Contest::new(title, "job", count as u64)
            .ours("cluster", || timed(|| self.flood_once(count, &payload)))
            .rival("async-nats, JetStream", || {
                timed(|| self.raw.borrow_mut().flood(count, WINDOW, &payload))
            })
            .limit("process-pool", || {
                timed(|| self.flood_pool(count, &payload))
            });
        self.with_pythons(contest, "flood", count, share, bytes)
            .reach(1.25, "async-nats, JetStream")
            .run(settings);
    }

    fn map(&self, settings: &Settings) {
        const COUNT: usize = 100_000;
        /// One message a job is slow: it does a part of the work, and its time is scaled up.
        const SHARE: usize = 10;
        let inputs = vec![vec![7; TINY]; COUNT];
        let one_by_one = || timed(|| self.flood_once(COUNT / SHARE, &inputs[0])) * SHARE as u32;
        let contest = Contest::new("a map of 100,000 tiny jobs", "job", COUNT as u64)
            .ours("cluster", || {
                timed(|| assert!(self.cluster.map::<echo>(&inputs).iter().all(Result::is_ok)))
            })
            .rival("one message a job", one_by_one)
            .limit("process-pool", || {
                timed(|| {
                    let outputs = self.pool.map::<pool::echo>(&inputs);
                    assert!(outputs.iter().all(Result::is_ok));
                })
            });
        self.with_pythons(contest, "many", COUNT, 50, TINY)
            .reach(0.1, "one message a job")
            .run(settings);
    }

    /// Adds the rivals in Python. They do a part of the work, and their time is scaled up.
    fn with_pythons<'a>(
        &'a self,
        contest: Contest<'a>,
        work: &'static str,
        count: usize,
        share: usize,
        bytes: usize,
    ) -> Contest<'a> {
        self.pythons
            .iter()
            .fold(contest, |contest, (name, python)| {
                contest.limit(*name, move || -> Duration {
                    python.borrow_mut().time(work, count / share, bytes) * share as u32
                })
            })
    }

    fn flood_once(&self, count: usize, payload: &Vec<u8>) {
        let take = |open: &mut VecDeque<Handle<Vec<u8>>>| {
            let handle = open.pop_front().expect("one is open");
            handle.wait().expect("a result");
        };
        let mut open = VecDeque::with_capacity(WINDOW);
        for _ in 0..count {
            if open.len() == WINDOW {
                take(&mut open);
            }
            open.push_back(self.cluster.submit::<echo>(payload).expect("accepted"));
        }
        while !open.is_empty() {
            take(&mut open);
        }
    }

    fn flood_pool(&self, count: usize, payload: &Vec<u8>) {
        let mut open: VecDeque<process_pool::Handle<Vec<u8>>> = VecDeque::with_capacity(WINDOW);
        for _ in 0..count {
            if open.len() == WINDOW {
                let handle = open.pop_front().expect("one is open");
                handle.wait().expect("a result");
            }
            open.push_back(self.pool.submit::<pool::echo>(payload).expect("accepted"));
        }
        for handle in open {
            handle.wait().expect("a result");
        }
    }
}
