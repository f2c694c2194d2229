//! Workers that die in the middle of a job.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use effective_process_pool::JobError;
use effective_process_pool::{Exit, ProcessPool};

use crate::helpers::{all_done, crash, neighbours, sleepers};
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline, eventually, lives};

#[test]
fn fault_13_killed_worker_fails_its_job_alone() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
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
    before.assert_restored();
}

#[test]
fn fault_13_killed_worker_fails_one_input_of_chunk() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let inputs: Vec<i32> = (0..200)
            .map(|place| if place % 50 == 20 { 9 } else { 0 })
            .collect();
        // Signal 0 does nothing: that job sleeps until its time limit.
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
        // If the others end by themselves, each result arrives.
        let results = pool.map::<exits_sometimes>(0..500);
        for (place, result) in results.into_iter().enumerate() {
            match place % 100 {
                77 => assert_eq!(crash(result).exit(), Exit::Code(0)),
                _ => assert_eq!(result.unwrap(), 3 * place as u64),
            }
        }
    }
    before.assert_restored();
}

#[test]
fn fault_14_exit_with_0_in_mid_job_is_a_crash() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
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
    before.assert_restored();
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer handles these signals and reserves memory itself"
)]
fn fault_15_fatal_errors_name_signal_and_last_line() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
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
    before.assert_restored();
}

#[test]
fn fault_18_kill_during_large_result_is_a_crash() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 2).unwrap();
    for _ in 0..10 {
        let killed = pool.submit::<killed_while_it_writes>(3 << 20).unwrap();
        let others = neighbours(&pool);
        assert_eq!(crash(killed.wait()).exit(), Exit::Signal(9));
        all_done(others);
    }
    drop(pool);
    before.assert_restored();
}

#[test]
fn fault_25_grandchild_with_pipe_does_not_hide_death() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
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
    before.assert_restored();
    eventually("no grandchild lives", || sleepers() == 0);
}
