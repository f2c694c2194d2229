//! A server, a caller and three workers on hosts of their own: network namespaces with cables that
//! can be pulled. As root where `ip` makes namespaces; skipped elsewhere.

mod lab;
#[allow(dead_code, reason = "the tests on one host use more of it")]
#[path = "../nats/support/raw.rs"]
mod raw;
#[allow(dead_code, reason = "the tests on one host use more of it")]
#[path = "../nats/support/server.rs"]
mod server;

use std::collections::HashSet;
use std::env;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::thread;
use std::time::{Duration, Instant};

use effective_cluster::{AsCompleted, Cluster, as_completed, job, register};
use lab::{Host, Lab};
use rustix::process::{Pid, Signal, kill_process};

/// The address of the server, in its namespace.
const SERVER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 4222));

/// The variable that makes this binary a worker.
const WORKER: &str = "CLUSTER_TEST_HOST";

/// The time after which a silent worker is taken for dead.
const ACK_WAIT: Duration = Duration::from_secs(1);

/// Jobs of 20 ms: on six slots, more than enough for a trouble of several seconds.
const JOBS: usize = 2_500;

job! {
    /// Takes 20 ms, and returns the number and the process.
    fn label(number: usize) -> (usize, u32) {
        thread::sleep(Duration::from_millis(20));
        (number, std::process::id())
    }
}

/// The program of the worker processes. As a test it does nothing.
#[test]
fn worker_process() {
    let Ok(url) = env::var(WORKER) else {
        return;
    };
    let worker = effective_cluster::worker(&register![label]).server(url);
    let ended = worker.slots(2).ack_wait(ACK_WAIT).run();
    // Not through libtest, which would wait for its own threads.
    std::process::exit(i32::from(ended.is_err()));
}

type Ended = AsCompleted<(usize, u32)>;

/// Submits the jobs on the host of the caller, and makes `trouble` when a tenth of them has ended.
/// Each ends once with its own result, and none stays in the stream. Returns the processes that ran
/// jobs after the trouble.
fn run_through(lab: &mut Lab, trouble: impl FnOnce(&mut Lab)) -> HashSet<u32> {
    let cluster = lab.on(Host::Caller, || {
        Cluster::connect(format!("nats://{SERVER}")).expect("the server is there")
    });
    let submit = |number| cluster.submit::<label>(number).expect("accepted");
    let mut ended = as_completed((0..JOBS).map(submit).collect::<Vec<_>>());
    let mut seen = vec![false; JOBS];
    let mut take = |ended: &mut Ended, count: usize| {
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut processes = HashSet::new();
        for _ in 0..count {
            let left = deadline.saturating_duration_since(Instant::now());
            let next = ended.next_timeout(left);
            let Some((place, result)) = next.map_err(|_| "the jobs do not end".to_owned())? else {
                break;
            };
            let (number, process) = result.map_err(|error| error.to_string())?;
            assert_eq!(number, place);
            assert!(!std::mem::replace(&mut seen[number], true), "ended twice");
            processes.insert(process);
        }
        Ok::<_, String>(processes)
    };
    let processes = take(&mut ended, JOBS / 10).and_then(|_| {
        trouble(lab);
        take(&mut ended, JOBS)
    });
    let processes = match processes {
        Ok(processes) => processes,
        Err(why) => {
            // Dropping the cluster would wait for the others.
            cluster.shutdown_now();
            panic!("{why}");
        }
    };
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
    drop(cluster);
    lab.on(Host::Server, || raw::wait_until_empty(SERVER.port()));
    processes
}

/// The cable of a host is out for five seconds.
fn run_through_link_down(host: Host) {
    let Some(mut lab) = Lab::start() else {
        return;
    };
    run_through(&mut lab, |lab| {
        lab.plug(host, false);
        thread::sleep(Duration::from_secs(5));
        lab.plug(host, true);
    });
}

#[test]
fn link_down_at_a_worker_costs_no_job() {
    run_through_link_down(Host::Worker1);
}

#[test]
fn link_down_at_the_caller_costs_no_job() {
    run_through_link_down(Host::Caller);
}

#[test]
fn link_down_at_the_server_costs_no_job() {
    run_through_link_down(Host::Server);
}

#[test]
fn vanished_host_costs_no_job() {
    let Some(mut lab) = Lab::start() else {
        return;
    };
    let processes = run_through(&mut lab, |lab| lab.vanish(Host::Worker2));
    for host in [Host::Worker1, Host::Worker3] {
        assert!(processes.contains(&lab.worker(host).id()), "{processes:?}");
    }
}

#[test]
fn restart_of_the_server_costs_no_job() {
    let Some(mut lab) = Lab::start() else {
        return;
    };
    run_through(&mut lab, |lab| {
        lab.kill_server();
        thread::sleep(Duration::from_secs(1));
        lab.start_server();
    });
}

#[test]
fn slow_hosts_cost_no_job() {
    let Some(mut lab) = Lab::start() else {
        return;
    };
    let processes = run_through(&mut lab, |lab| {
        lab.throttle(Host::Worker1, 64);
        // Longer than `ACK_WAIT`, so that its jobs run elsewhere, and its results come late.
        for _ in 0..2 {
            signal(lab, Host::Worker2, Signal::STOP);
            thread::sleep(ACK_WAIT * 3 / 2);
            signal(lab, Host::Worker2, Signal::CONT);
            thread::sleep(ACK_WAIT / 10);
        }
    });
    let third = lab.worker(Host::Worker3).id();
    assert!(processes.contains(&third), "{processes:?}");
}

fn signal(lab: &Lab, host: Host, signal: Signal) {
    let process = Pid::from_child(lab.worker(host));
    kill_process(process, signal).expect("it has not been waited for");
}
