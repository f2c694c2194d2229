//! The figures behind the arithmetic of `docs/many-machines.md`: the CPU time of the server for a
//! job, an input of a map, a heartbeat and an idle worker, and a fleet of a thousand workers.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use cluster_rivals::{Fleet, Server, Workers, echo, fleet_if_asked, nap, work_if_asked};
use effective_cluster::{Cluster, Handle};
use workload_rivals::Settings;

/// Jobs that are outstanding.
const WINDOW: usize = 1_000;

/// Five of them are the thousand workers.
const PROCESSES: usize = 5;
const WORKERS: usize = 200;

/// Short enough for heartbeats to be most of the server's work.
const SHORT: Duration = Duration::from_millis(500);
const USUAL: Duration = Duration::from_secs(5);

fn main() {
    work_if_asked();
    fleet_if_asked();
    let settings = Settings::from_args();
    let mut filters = settings.filters.iter();
    if !settings.filters.is_empty() && !filters.any(|filter| "sizing".contains(filter.as_str())) {
        return;
    }
    // One round shows that it runs, with fewer of everything.
    let divisor = if settings.rounds == 1 { 20 } else { 1 };
    let Some(server) = Server::start() else {
        return;
    };
    println!("## sizing: CPU time of the server\n");
    println!("| what | each | in all |\n|---|--:|--:|");
    jobs(&server, divisor);
    drop(server);
    let workers = WORKERS / divisor;
    heartbeats(workers);
    fleet(workers);
}

/// Prints a line: the CPU time of the server for `count` things.
fn row(what: &str, count: usize, cpu: Duration, wall: Duration) {
    let each_us = cpu.as_secs_f64() * 1e6 / count as f64;
    let (cpu, wall) = (cpu.as_secs_f64(), wall.as_secs_f64());
    println!("| {what} | {each_us:.1} µs | {count} in {wall:.2} s, {cpu:.2} s of CPU |");
}

/// The CPU time of the server and the time that `work` takes.
fn observed(server: &Server, work: impl FnOnce()) -> (Duration, Duration) {
    let (before, start) = (server.cpu(), Instant::now());
    work();
    (server.cpu() - before, start.elapsed())
}

fn jobs(server: &Server, divisor: usize) {
    let url = server.url();
    let _workers = Workers::start("cluster", &url);
    let cluster = Cluster::connect(url.as_str()).expect("the server");
    flood(&cluster, 200, &vec![7; 8]);
    for (what, count, bytes) in [
        ("a job of its own message, 8 bytes", 100_000 / divisor, 8),
        (
            "a job of its own message, 64 KiB",
            5_000 / divisor,
            64 << 10,
        ),
    ] {
        let payload = vec![7; bytes];
        let (cpu, wall) = observed(server, || flood(&cluster, count, &payload));
        row(what, count, cpu, wall);
    }
    let inputs = vec![vec![7_u8; 8]; 1_000_000 / divisor];
    let (cpu, wall) = observed(server, || {
        assert!(cluster.map::<echo>(&inputs).iter().all(Result::is_ok));
    });
    row("an input of a map, 8 bytes", inputs.len(), cpu, wall);
}

fn flood(cluster: &Cluster, count: usize, payload: &Vec<u8>) {
    let finish = |handle: Option<Handle<Vec<u8>>>| {
        let handle = handle.expect("one is open");
        handle.wait().expect("a result");
    };
    let mut open = VecDeque::with_capacity(WINDOW);
    for _ in 0..count {
        if open.len() == WINDOW {
            finish(open.pop_front());
        }
        open.push_back(cluster.submit::<echo>(payload).expect("accepted"));
    }
    open.into_iter().for_each(|handle| finish(Some(handle)));
}

/// One long job for each worker: all that the server has to do is to take the heartbeats.
fn heartbeats(workers: usize) {
    let Some(server) = Server::start() else {
        return;
    };
    let _fleet = Fleet::start(&server.url(), workers, SHORT);
    let cluster = Cluster::connect(server.url()).expect("the server");
    let time = Duration::from_secs(6);
    let submit = |_| cluster.submit::<nap>(time).expect("accepted");
    let open: Vec<_> = (0..workers).map(submit).collect();
    // Those that were pulled ahead have gone back, and all others run.
    thread::sleep(Duration::from_secs(2));
    let watched = Duration::from_secs(3);
    let (cpu, wall) = observed(&server, || thread::sleep(watched));
    let beats = workers as f64 * 5.0 * watched.as_secs_f64() / SHORT.as_secs_f64();
    row("a heartbeat", beats as usize, cpu, wall);
    for handle in open {
        handle.wait().expect("a result");
    }
}

/// A thousand workers: idle, then with jobs of a second.
fn fleet(workers: usize) {
    let Some(server) = Server::start() else {
        return;
    };
    let start = |_| Fleet::start(&server.url(), workers, USUAL);
    let _fleets: Vec<Fleet> = (0..PROCESSES).map(start).collect();
    let all = PROCESSES * workers;
    let (cpu, wall) = observed(&server, || thread::sleep(Duration::from_secs(5)));
    row(
        &format!("a second of one of {all} idle workers"),
        all * 5,
        cpu,
        wall,
    );
    let cluster = Cluster::connect(server.url()).expect("the server");
    let time = Duration::from_secs(1);
    let count = 10 * all;
    let (cpu, wall) = observed(&server, || {
        let submit = |_| cluster.submit::<nap>(time).expect("accepted");
        let open: Vec<_> = (0..count).map(submit).collect();
        for handle in open {
            handle.wait().expect("a result");
        }
    });
    row(
        &format!("a job of 1 s on one of {all} workers"),
        count,
        cpu,
        wall,
    );
    let ideal = count as f64 / all as f64 * time.as_secs_f64();
    let share = 100.0 * ideal / wall.as_secs_f64();
    println!("\n{all} slots were busy for {share:.0} % of the time, start and end included.");
}
