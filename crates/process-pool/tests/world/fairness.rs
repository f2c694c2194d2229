//! Jobs queued behind other jobs.

use std::time::{Duration, Instant};

use effective_process_pool::{Handle, ProcessPool};

use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline};

#[test]
fn quick_jobs_do_not_wait_behind_long_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for workers in [2, 4] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let mut flood: Vec<Handle<()>> = (0..200)
            .map(|_| pool.submit::<nap_us>(300).unwrap())
            .collect();
        let long = pool.submit::<nap_us>(600_000_000).unwrap();
        let mut early: Vec<_> = (0..300)
            .map(|_| pool.submit::<nap_us>(100).unwrap())
            .collect();
        let until = Instant::now() + Duration::from_secs(40);
        while !early.is_empty() {
            assert!(Instant::now() < until, "{} jobs wait", early.len());
            // A backlog, as on a busy server.
            while flood.len() < 200 {
                flood.push(pool.submit::<nap_us>(300).unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
            flood.retain(|job| !job.is_finished());
            early.retain(|job| !job.is_finished());
        }
        assert!(!long.is_finished());
        assert!(long.kill());
        drop(flood);
        pool.shutdown_now();
    }
    before.assert_restored();
}

#[test]
fn jobs_do_not_wait_for_starting_worker() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    // The jobs are assigned while both workers start, and one of the two takes long.
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .initializer::<nap_us>(50_000)
        .build()
        .unwrap();
    let handles: Vec<_> = (0..500)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().unwrap(), 2 * number);
    }
}
