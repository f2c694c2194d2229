//! Workers that die in the middle of a job.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use effective_process_pool::JobError;
use effective_process_pool::{Exit, ProcessPool};

use crate::common::{Census, alone, deadline, eventually, lives};
use crate::jobs::*;
use crate::support::{all_done, crash, neighbours, sleepers};

#[test]
fn fault_13_a_worker_killed_in_mid_job_fails_that_job_alone_and_names_the_signal() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    for workers in [1, 2, 2, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let first = neighbours(&pool);
        let killed: Vec<_> = (0..3)
            .map(|_| pool.submit::<kill_myself>(9).unwrap())
            .collect();
        let last = neighbours(&pool);
        for handle in killed {
            let crash = crash(handle.wait());
            assert_eq!(crash.exit(), Exit::Signal(9));
            assert_eq!(
                crash.to_string(),
                "the worker was ended by signal 9 (SIGKILL) in the middle of the job"
            );
        }
        all_done(first);
        all_done(last);
    }
    before.assert_back();
}

#[test]
fn fault_13_a_worker_killed_in_the_middle_of_a_chunk_fails_that_input_alone() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let inputs: Vec<i32> = (0..200)
            .map(|place| if place % 50 == 20 { 9 } else { 0 })
            .collect();
        // Signal 0 is none: that job naps, and is killed by the limit.
        let results = pool
            .mapping()
            .time_limit(Duration::from_millis(700))
            .chunk_size(10.try_into().unwrap())
            .run::<kill_myself>(&inputs[15..25]);
        for (place, result) in results.into_iter().enumerate() {
            match place {
                5 => assert_eq!(crash(result).exit(), Exit::Signal(9)),
                _ => assert!(
                    matches!(result, Err(JobError::TimedOut(_))),
                    "{place}: {result:?}"
                ),
            }
        }
        // And where the others end by themselves, each result is there.
        let results = pool.map::<exits_sometimes>(0..500);
        for (place, result) in results.into_iter().enumerate() {
            match place % 100 {
                77 => assert_eq!(crash(result).exit(), Exit::Code(0)),
                _ => assert_eq!(result.unwrap(), 3 * place as u64),
            }
        }
    }
    before.assert_back();
}

#[test]
fn fault_14_a_worker_that_exits_with_0_in_mid_job_is_no_success() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    for _ in 0..5 {
        let pool = ProcessPool::new(&program, 2).unwrap();
        let failed = pool.submit::<exit_with>(0).unwrap();
        let others = neighbours(&pool);
        assert_eq!(crash(failed.wait()).exit(), Exit::Code(0));
        assert_eq!(
            crash(pool.submit::<exit_with>(7).unwrap().wait()).exit(),
            Exit::Code(7)
        );
        all_done(others);
    }
    before.assert_back();
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer handles these signals and reserves memory itself"
)]
fn fault_15_stack_overflow_abort_and_memory_exhaustion_name_the_signal_and_the_last_line() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    for _ in 0..2 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .memory_limit(256 << 20)
            .capture_stderr()
            .build()
            .unwrap();
        let others = neighbours(&pool);
        let overflow = crash(pool.submit::<overflow_the_stack>(0).unwrap().wait());
        assert_eq!(overflow.exit(), Exit::Signal(6));
        assert!(
            overflow.last_line().unwrap().contains("stack overflow"),
            "{overflow}"
        );
        let aborted = crash(pool.submit::<abort_now>(()).unwrap().wait());
        assert_eq!(
            (aborted.exit(), aborted.last_line()),
            (Exit::Signal(6), None)
        );
        let memory = pool.submit::<take_memory>(1 << 30).unwrap().wait();
        assert!(
            matches!(memory, Err(JobError::OutOfMemory { limit }) if limit == 256 << 20),
            "{memory:?}"
        );
        assert_eq!(
            pool.submit::<take_memory>(1 << 20).unwrap().wait().unwrap(),
            1 << 20
        );
        all_done(others);
    }
    before.assert_back();
}

#[test]
fn fault_18_killed_half_way_through_a_large_result_neither_hangs_nor_misframes() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    let pool = ProcessPool::new(&program, 2).unwrap();
    for _ in 0..10 {
        let killed = pool.submit::<killed_while_it_writes>(3 << 20).unwrap();
        let others = neighbours(&pool);
        assert_eq!(crash(killed.wait()).exit(), Exit::Signal(9));
        all_done(others);
    }
    drop(pool);
    before.assert_back();
}

#[test]
fn fault_25_a_grandchild_that_inherits_the_pipe_does_not_hide_the_workers_death() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::settled();
    let mut grandchildren = BTreeMap::new();
    for _ in 0..5 {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .capture_stderr()
            .build()
            .unwrap();
        let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
        let start = Instant::now();
        let dead = pool.submit::<leaves_a_grandchild_and_dies>(()).unwrap();
        assert_eq!(crash(dead.wait()).exit(), Exit::Code(3));
        assert!(start.elapsed() < Duration::from_secs(60));
        all_done(neighbours(&pool));
        let path = std::env::temp_dir().join(format!("process-pool-{worker}"));
        let grandchild: i32 = fs::read_to_string(&path).unwrap().parse().unwrap();
        fs::remove_file(path).unwrap();
        // It outlived its parent, as the test needs.
        assert!(lives(grandchild));
        grandchildren.insert(grandchild, worker);
        drop(pool);
    }
    for grandchild in grandchildren.keys() {
        Command::new("kill")
            .args(["-9", &grandchild.to_string()])
            .status()
            .unwrap();
    }
    before.assert_back();
    eventually("no grandchild lives", || sleepers() == 0);
}
