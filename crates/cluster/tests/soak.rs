//! A soak test: random jobs, cancels, time limits and shutdowns in this process; with a server also
//! workers killed, stopped and continued, links cut and the server restarted. Every accepted job
//! ends once. `SOAK_SECONDS` sets the duration of each; the default is one second.

#[cfg(feature = "nats")]
#[path = "nats/support/mod.rs"]
mod nats;
#[cfg(feature = "nats")]
#[path = "soak/on_nats.rs"]
mod on_nats;
#[cfg(feature = "nats")]
#[path = "soak/proxy.rs"]
mod proxy;
mod support;

use std::thread;
use std::time::{Duration, Instant};

use effective_cluster::{Cluster, Handle, JobError, Reason, job};
use support::{Random, soak_time};

job! {
    fn work(number: u64, kind: u64) -> u64 {
        match kind {
            0 => panic!("job {number}"),
            1 => thread::sleep(Duration::from_millis(number % 12)),
            _ => {}
        }
        number + 1
    }
}

/// The program of the worker processes. As a test it does nothing.
#[cfg(feature = "nats")]
#[test]
fn worker_process() {
    nats::jobs::work_if_asked();
}

#[test]
fn every_local_job_ends_once() {
    // The other soak in this binary starts threads of its own: this one compares clusters only.
    let end = Instant::now() + soak_time();
    let mut random = Random(0x9e37_79b9 ^ u64::from(std::process::id()));
    let mut rounds = 0;
    while Instant::now() < end {
        round(&mut random);
        rounds += 1;
    }
    println!("{rounds} clusters");
}

fn round(random: &mut Random) {
    let cluster = Cluster::builder()
        .time_limit(Duration::from_millis(8))
        .max_outstanding(1 + random.size(50))
        .local(1 + random.size(4))
        .unwrap();
    let mut handles: Vec<(u64, u64, Handle<u64>)> = Vec::new();
    for number in 0..random.below(150) {
        let kind = random.below(12);
        let handle = cluster.submit::<work>((number, kind)).unwrap();
        if random.below(10) == 0 {
            handle.cancel();
        }
        handles.push((number, kind, handle));
    }
    let inputs: Vec<_> = (0..random.below(500))
        .map(|number| (number, random.below(12)))
        .collect();
    for (&(number, kind), result) in inputs.iter().zip(cluster.map::<work>(&inputs)) {
        check(number, kind, result, false);
    }
    let closes = random.below(3) == 0;
    let counts = cluster.counts();
    assert!(counts.ended <= counts.accepted);
    if closes {
        cluster.shutdown_now();
    } else {
        cluster.shutdown();
    }
    for (number, kind, handle) in handles {
        assert!(handle.is_finished());
        check(number, kind, handle.wait(), closes);
    }
}

fn check(number: u64, kind: u64, result: Result<u64, JobError>, may_be_closed: bool) {
    match result {
        Ok(found) => {
            assert_eq!(found, number + 1, "the result of another job");
            assert_ne!(kind, 0, "a panic has no result");
        }
        Err(JobError::Poisoned(poisoned)) => match poisoned.reason() {
            Reason::Panicked(panic) => assert_eq!(panic.message(), format!("job {number}")),
            // On a busy machine any job may take that long.
            Reason::TimedOut(_) => {}
            other => panic!("{other}"),
        },
        Err(JobError::Cancelled) => {}
        Err(JobError::Closed) if may_be_closed => {}
        Err(other) => panic!("{number}, {kind}: {other}"),
    }
}
