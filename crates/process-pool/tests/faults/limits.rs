//! Time limits, recycling, and workers that die at start.

use std::fs;
use std::time::{Duration, Instant};

use effective_process_pool::{JobError, ProcessPool, SubmitError};

use crate::helpers::{all_done, broken, neighbours, sleepers};
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline, eventually};

#[test]
fn fault_20_deaths_at_start_break_pool_after_few_attempts() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for workers in [1, 4] {
        let pool = ProcessPool::builder(&program)
            .workers(workers)
            .initializer::<fails_to_start>(())
            .build()
            .unwrap();
        let handles: Vec<_> = (0..20)
            .filter_map(|number| pool.submit::<double>(number).ok())
            .collect();
        for handle in handles {
            let broken = broken(handle.wait());
            assert!(broken.attempts() <= 8, "{broken}");
            assert!(
                broken.reason().starts_with("exited with code 9"),
                "{broken}"
            );
        }
        eventually("the pool is broken", || {
            matches!(pool.submit::<double>(1), Err(SubmitError::Broken(_)))
        });
        assert!(
            pool.map::<double>([1, 2])
                .into_iter()
                .all(|result| broken(result).attempts() <= 8)
        );
        drop(pool);

        let pool = ProcessPool::builder(&program)
            .workers(workers)
            .initializer::<panics_at_start>(())
            .build()
            .unwrap();
        eventually("the pool is broken", || match pool.submit::<double>(1) {
            Err(SubmitError::Broken(broken)) => {
                broken.reason().ends_with("which panicked: no licence")
            }
            _ => false,
        });
    }
    before.assert_restored();
}

#[test]
fn fault_21_recycling_after_2_jobs_finishes_all_10() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for round in 0..5 {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .recycle_after_jobs(2)
            .build()
            .unwrap();
        let mut results: Vec<u32> = if round % 2 == 0 {
            let handles: Vec<_> = (0..10)
                .map(|_| pool.submit::<runs_at_most>(2).unwrap())
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.wait().unwrap())
                .collect()
        } else {
            let chunks = pool.mapping().chunk_size(5.try_into().unwrap());
            chunks
                .run::<runs_at_most>([2; 10])
                .into_iter()
                .map(Result::unwrap)
                .collect()
        };
        // The rest of a chunk may run before or after the next one.
        results.sort_unstable();
        assert_eq!(results, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .recycle_above_memory(100 << 20)
            .build()
            .unwrap();
        let sizes: Vec<usize> = (0..6)
            .map(|_| pool.submit::<grow>(40 << 20).unwrap().wait().unwrap())
            .collect();
        assert!(
            sizes.iter().all(|&size| size <= 3) && sizes.contains(&2),
            "{sizes:?}"
        );
    }
    before.assert_restored();
}

#[test]
fn fault_23_time_limit_ends_job_and_no_neighbour() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_millis(200))
        .build()
        .unwrap();
    for _ in 0..5 {
        let slow = pool.submit::<nap>(60_000).unwrap();
        let mixed = pool.submit::<starts_a_grandchild_and_hangs>(()).unwrap();
        let others = neighbours(&pool);
        assert!(
            matches!(slow.wait(), Err(JobError::TimedOut(limit)) if limit == Duration::from_millis(200))
        );
        assert!(matches!(mixed.wait(), Err(JobError::TimedOut(_))));
        all_done(others);
        let results = pool.map::<nap>([1, 60_000, 2, 3]);
        assert!(
            matches!(
                &results[..],
                [Ok(1), Err(JobError::TimedOut(_)), Ok(2), Ok(3)]
            ),
            "{results:?}"
        );
    }
    assert_eq!(
        pool.submission()
            .time_limit(Duration::from_secs(60))
            .submit::<nap>(500)
            .unwrap()
            .wait()
            .unwrap(),
        500
    );
    drop(pool);
    before.assert_restored();
    // The grandchildren ended with the workers.
    eventually("no grandchild lives", || sleepers() == 0);
}

#[test]
fn fault_21_worker_hanging_at_exit_delays_no_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .recycle_after_jobs(1)
        .build()
        .unwrap();
    let handles: Vec<_> = (0..3)
        .map(|number| pool.submit::<hangs_at_exit>(number).unwrap())
        .collect();
    for (number, handle) in handles.into_iter().enumerate() {
        match handle.wait_timeout(Duration::from_secs(30)) {
            Ok(result) => assert_eq!(result.unwrap(), 2 * number as u64),
            Err(_) => panic!("job {number} was never given to the next worker"),
        }
    }
    drop(pool);
    before.assert_restored();
}

#[test]
fn fault_20_failed_starts_pause_while_one_worker_lives() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let directory = std::env::temp_dir().join(format!("process-pool-one-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .initializer::<takes_what_there_is_one_of>(directory.to_str().unwrap().to_owned())
        .build()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    let mut jobs = 0;
    while Instant::now() < until {
        assert_eq!(
            pool.submit::<double>(jobs).unwrap().wait().unwrap(),
            2 * jobs
        );
        jobs += 1;
    }
    let starts = fs::read_to_string(directory.join("log"))
        .unwrap()
        .lines()
        .count();
    drop(pool);
    fs::remove_dir_all(&directory).unwrap();
    // An attempt takes a few milliseconds: without a pause there would be hundreds.
    assert!(starts <= 40, "{starts} starts in 2 s");
    before.assert_restored();
}

#[test]
fn fault_23_limit_applies_behind_unlimited_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 1).unwrap();
    for first_limit in [None, Some(Duration::from_secs(90))] {
        let first = match first_limit {
            None => pool.submit::<nap>(300),
            Some(limit) => pool.submission().time_limit(limit).submit::<nap>(300),
        };
        let limit = Duration::from_millis(100);
        let second = pool.submission().time_limit(limit).submit::<nap>(600_000);
        match second.unwrap().wait_timeout(Duration::from_secs(20)) {
            Ok(Err(JobError::TimedOut(passed))) => assert_eq!(passed, limit),
            other => panic!("{other:?}"),
        }
        assert_eq!(first.unwrap().wait().unwrap(), 300);
    }
    drop(pool);
    before.assert_restored();
}
