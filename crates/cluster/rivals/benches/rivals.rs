//! `cluster` against async-nats itself and `process-pool`: one job at a time, 1,000 outstanding,
//! 64 KiB payloads, and a map of 100,000.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use cluster_rivals::{Raw, Server, Workers, echo, work_if_asked};
use effective_cluster::{Cluster, Handle};
use effective_process_pool::{ProcessPool, register};
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
    let cluster = Cluster::connect(url.as_str()).expect("the server");
    let raw = RefCell::new(Raw::connect(&url));
    let pool = ProcessPool::new(&program, cluster_rivals::WORKERS).expect("a pool");
    trips(&cluster, &raw, &pool, &settings);
    flood(&cluster, &raw, &settings, TINY, 20_000);
    flood(&cluster, &raw, &settings, LARGE, 500);
    map(&cluster, &settings);
}

fn trips(cluster: &Cluster, raw: &RefCell<Raw>, pool: &ProcessPool, settings: &Settings) {
    const COUNT: usize = 500;
    let payload = vec![7; TINY];
    Contest::new("one job there and back", "job", COUNT as u64)
        .ours("cluster", || {
            timed(|| {
                for _ in 0..COUNT {
                    let job = cluster.submit::<echo>(&payload).expect("accepted");
                    assert_eq!(job.wait().expect("a result"), payload);
                }
            })
        })
        .rival("async-nats, JetStream", || {
            timed(|| raw.borrow_mut().trips(COUNT, &payload))
        })
        .limit("async-nats, request and reply", || {
            timed(|| raw.borrow_mut().requests(COUNT, &payload))
        })
        .limit("process-pool", || {
            timed(|| {
                for _ in 0..COUNT {
                    let job = pool.submit::<pool::echo>(&payload).expect("accepted");
                    assert_eq!(job.wait().expect("a result"), payload);
                }
            })
        })
        .reach(1.3, "async-nats, JetStream")
        .run(settings);
}

fn flood(cluster: &Cluster, raw: &RefCell<Raw>, settings: &Settings, bytes: usize, count: usize) {
    let payload = vec![7; bytes];
    Contest::new(
        format!("{WINDOW} outstanding, {bytes} bytes"),
        "job",
        count as u64,
    )
    .ours("cluster", || timed(|| flood_once(cluster, count, &payload)))
    .rival("async-nats, JetStream", || {
        timed(|| raw.borrow_mut().flood(count, WINDOW, &payload))
    })
    .reach(1.25, "async-nats, JetStream")
    .run(settings);
}

fn flood_once(cluster: &Cluster, count: usize, payload: &Vec<u8>) {
    let mut open: VecDeque<Handle<Vec<u8>>> = VecDeque::with_capacity(WINDOW);
    for _ in 0..count {
        if open.len() == WINDOW {
            take(&mut open);
        }
        open.push_back(cluster.submit::<echo>(payload).expect("accepted"));
    }
    while !open.is_empty() {
        take(&mut open);
    }
}

fn take(open: &mut VecDeque<Handle<Vec<u8>>>) {
    let handle = open.pop_front().expect("one is open");
    handle.wait().expect("a result");
}

fn map(cluster: &Cluster, settings: &Settings) {
    const COUNT: usize = 100_000;
    /// One message a job is slow: it does a part of the work, and its time is scaled up.
    const SHARE: usize = 10;
    let inputs = vec![vec![7; TINY]; COUNT];
    let one_by_one =
        || -> Duration { timed(|| flood_once(cluster, COUNT / SHARE, &inputs[0])) * SHARE as u32 };
    Contest::new("a map of 100,000 tiny jobs", "job", COUNT as u64)
        .ours("cluster", || {
            timed(|| assert!(cluster.map::<echo>(&inputs).iter().all(Result::is_ok)))
        })
        .rival("one message a job", one_by_one)
        .reach(0.1, "one message a job")
        .run(settings);
}
