//! Messages that no caller and no worker of this crate would send.

use std::time::{Duration, Instant};

use effective_cluster::Cluster;

use crate::support::jobs::{double, size};
use crate::support::raw::{Raw, wait_until_empty};
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

/// The message of a report that passes by, and its subject.
fn overheard(raw: &mut Raw) -> (String, Vec<u8>) {
    loop {
        let (subject, _, payload) = raw.message();
        if subject.ends_with(".report") {
            return (subject, payload);
        }
    }
}

fn wait_for_ignored(cluster: &Cluster, count: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while cluster.counts().ignored < count {
        assert!(Instant::now() < deadline, "{:?}", cluster.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn hostile_reports_are_counted_and_ignored() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let mut raw = Raw::connect(server.port);
    raw.subscribe("cluster.default.caller.*.report");
    raw.flush();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    let (subject, report) = overheard(&mut raw);
    // Malformed, truncated, oversized, and about no job of this caller.
    raw.publish(&subject, b"");
    raw.publish(&subject, &[0xff; 64]);
    raw.publish(&subject, &report[..report.len() - 1]);
    raw.publish(&subject, &vec![0xff; 1 << 20]);
    let mut other = report.clone();
    other[0] = other[0].wrapping_add(50);
    raw.publish(&subject, &other);
    // A job's number with another nonce: the result of a job that the sender has not seen.
    let mut forged = report.clone();
    forged[2] ^= 1;
    raw.publish(&subject, &forged);
    // A result that was there before.
    raw.publish(&subject, &report);
    raw.flush();
    wait_for_ignored(&cluster, 4);
    for number in 0..20 {
        assert_eq!(
            cluster.submit::<double>(number).unwrap().wait().unwrap(),
            2 * number
        );
    }
    drop(cluster);
    wait_until_empty(server.port);
}

/// The message of a job whose inputs are in an object, from a caller that does not exist.
fn job_by_reference(count: u32, object: &str) -> Vec<u8> {
    let mut message = vec![1, 7, 8, 32];
    message.extend_from_slice(b"0123456789abcdef0123456789abcdef");
    let mut rest = count;
    while rest > 0x7f {
        message.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    // Three attempts, no time limit, an object.
    message.extend_from_slice(&[rest as u8, 3, 0, 1, object.len() as u8]);
    message.extend_from_slice(object.as_bytes());
    message
}

/// Puts an object of four bytes, which holds one empty input, into the store.
fn put_object(raw: &mut Raw) {
    let bucket = "$O.cluster-default";
    raw.publish(&format!("{bucket}.C.number"), &[0; 4]);
    let info = serde_json::json!({
        "name": "forged",
        "bucket": "cluster-default",
        "nuid": "number",
        "size": 4,
        "chunks": 1,
        "digest": "SHA-256=3z9hmASpL9tAVxktxD3XSOp3itxSvEmM6AUkwBS4ERk=",
    });
    raw.publish(&format!("{bucket}.M.Zm9yZ2Vk"), info.to_string().as_bytes());
}

#[test]
fn jobs_with_too_many_inputs_leave_the_stream() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    // It makes the object store.
    let large = vec![0; 2_000_000];
    let length = cluster.submit::<size>(&large).unwrap().wait().unwrap();
    assert_eq!(length, large.len());
    let name = <size as effective_cluster::Job>::NAME.replace("::", "=3a=3a");
    let subject = format!("cluster.default.job.{name}");
    let mut raw = Raw::connect(server.port);
    // A job that runs is reported here, and never acknowledged.
    raw.subscribe("cluster.default.caller.*.report");
    put_object(&mut raw);
    // More than any chunk has, and more than the object holds.
    for message in [
        job_by_reference(1 << 20, "absent"),
        job_by_reference(60_000, "forged"),
    ] {
        raw.publish(&subject, &message);
        raw.flush();
        wait_until_empty(server.port);
    }
    assert_eq!(cluster.submit::<double>(2).unwrap().wait().unwrap(), 4);
}

#[test]
fn hostile_jobs_leave_the_stream() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    let name = <double as effective_cluster::Job>::NAME.replace("::", "=3a=3a");
    let subject = format!("cluster.default.job.{name}");
    let mut raw = Raw::connect(server.port);
    for payload in [
        &b""[..],
        b"nonsense",
        &[0; 3],
        &[0xff; 500],
        &vec![1; 1 << 20],
    ] {
        raw.publish(&subject, payload);
    }
    raw.flush();
    wait_until_empty(server.port);
    assert_eq!(cluster.submit::<double>(2).unwrap().wait().unwrap(), 4);
}

#[test]
fn forged_report_does_not_touch_objects() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let mut raw = Raw::connect(server.port);
    raw.subscribe("cluster.default.caller.*.report");
    raw.flush();
    assert_eq!(cluster.submit::<double>(1).unwrap().wait().unwrap(), 2);
    let (subject, _) = overheard(&mut raw);
    worker.kill();
    // The second job of this caller, whose input is in the object store.
    let handle = cluster.submit::<size>(vec![0; 2_000_000]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while raw.waiting() == 0 {
        assert!(Instant::now() < deadline, "it is not published");
        std::thread::sleep(Duration::from_millis(5));
    }
    let caller = subject.split('.').nth(3).unwrap();
    for name in [format!("{caller}-1-in"), format!("{caller}-1-1-out")] {
        // Number, nonce, delivery; that it has ended, in 0 µs, without an acknowledgement, one
        // outcome, in this object.
        let mut report = vec![1, 99, 1, 1, 0, 0, 1, 1, name.len() as u8];
        report.extend_from_slice(name.as_bytes());
        raw.publish(&subject, &report);
    }
    raw.flush();
    wait_for_ignored(&cluster, 2);
    let _worker = WorkerProcess::start(&server.url(), 1);
    assert_eq!(handle.wait().unwrap(), 2_000_000);
    drop(cluster);
    wait_until_empty(server.port);
}
