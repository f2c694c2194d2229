//! Limits and settings that cannot work.

use std::thread;
use std::time::{Duration, Instant};

use effective_cluster::{BuildError, Cluster, SubmitError, job};

use crate::support::resident_kib;

job! {
    fn nap(milliseconds: u64) { thread::sleep(Duration::from_millis(milliseconds)); }
    fn size(bytes: Vec<u8>) -> usize { bytes.len() }
    fn length(text: String) -> usize { text.len() }
}

#[test]
fn submit_waits_while_too_many_are_outstanding() {
    let cluster = Cluster::builder().max_outstanding(2).local(1).unwrap();
    let (start, mut handles) = (Instant::now(), Vec::new());
    for _ in 0..4 {
        handles.push(cluster.submit::<nap>(50).unwrap());
    }
    // Two had to end first.
    assert!(start.elapsed() >= Duration::from_millis(90));
    let submission = cluster.submission().timeout(Duration::from_millis(1));
    assert!(matches!(
        submission.submit::<nap>(1),
        Err(SubmitError::TimedOut)
    ));
    drop(handles);
}

#[test]
fn input_above_limit_is_refused() {
    let cluster = Cluster::builder().max_input(1_000).local(1).unwrap();
    assert_eq!(
        cluster
            .submit::<size>(vec![7; 900])
            .unwrap()
            .wait()
            .unwrap(),
        900
    );
    let refused = cluster.submit::<size>(vec![7; 1_001]);
    assert!(matches!(refused, Err(SubmitError::TooLarge { limit: 1_000, bytes }) if bytes > 1_000));
    let results = cluster.map::<size>([vec![7; 10], vec![7; 2_000], vec![7; 20]]);
    assert!(
        matches!(results[..], [Ok(10), Err(_), Ok(20)]),
        "{results:?}"
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    assert!(matches!(Cluster::local(0), Err(BuildError::NoSlots)));
    assert!(matches!(
        Cluster::local(5_000),
        Err(BuildError::TooManySlots(5_000))
    ));
    let nothing = Cluster::builder().max_outstanding(0).local(1);
    assert!(matches!(nothing, Err(BuildError::Setting(_))));
}

#[test]
fn cancelled_jobs_free_their_inputs() {
    // A string is copied as a whole, also by a build for tests.
    let input = "x".repeat(1_000_000);
    let cluster = Cluster::local(1).unwrap();
    let _running = cluster.submit::<nap>(600_000).unwrap();
    let waiting = cluster.submit::<length>(&input).unwrap();
    let before = resident_kib();
    // 300 MB in all.
    for _ in 0..300 {
        assert!(cluster.submit::<length>(&input).unwrap().cancel());
    }
    let grown = resident_kib().saturating_sub(before);
    let is_finished = waiting.is_finished();
    // Dropping the cluster would wait for the job that runs.
    cluster.shutdown_now();
    assert!(grown < 100_000, "{grown} KiB");
    assert!(!is_finished);
}
