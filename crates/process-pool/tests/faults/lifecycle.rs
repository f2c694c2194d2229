//! Shutdowns, and the end of the parent.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool};

use crate::helpers::sleepers;
use crate::jobs::*;
use crate::support::checks::{self, Resources, alone, deadline, eventually, lives};

#[test]
fn fault_22_shutdown_during_recycling_strands_no_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for round in 0..20 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .recycle_after_jobs(1)
            .build()
            .unwrap();
        let handles: Vec<_> = (0..12)
            .map(|number| pool.submit::<double>(number).unwrap())
            .collect();
        thread::sleep(Duration::from_millis(round));
        if round % 2 == 0 {
            pool.shutdown();
            for (number, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.wait().unwrap(), 2 * number as u64);
            }
        } else {
            pool.shutdown_now();
            for (number, handle) in handles.into_iter().enumerate() {
                match handle.wait() {
                    Ok(value) => assert_eq!(value, 2 * number as u64),
                    Err(JobError::Killed | JobError::Cancelled) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    before.assert_restored();
}

#[test]
fn fault_24_workers_end_when_their_parent_is_killed() {
    let program = program();
    if std::env::var_os("PROCESS_POOL_TEST_PARENT").is_some() {
        let pool = ProcessPool::new(&program, 3).unwrap();
        let pids: Vec<i32> = pool
            .map::<pid>([(); 30])
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let _busy = pool.submit::<nap>(600_000).unwrap();
        let _starts = pool.submit::<starts_a_grandchild_and_hangs>(()).unwrap();
        eventually("there is a grandchild", || sleepers() > 0);
        let pids: Vec<String> = pids
            .iter()
            .chain(&checks::children())
            .map(i32::to_string)
            .collect();
        println!("workers: {}", pids.join(" "));
        thread::sleep(Duration::from_secs(600));
    }
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for _ in 0..3 {
        let name = "lifecycle::fault_24_workers_end_when_their_parent_is_killed";
        let mut parent = Command::new("/proc/self/exe")
            .args([name, "--exact", "--nocapture"])
            .env("PROCESS_POOL_TEST_PARENT", "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(parent.stdout.take().unwrap()));
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.contains("workers: "))
            .unwrap();
        let (_, pids) = line.split_once("workers: ").unwrap();
        let pids: Vec<i32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
        assert!(pids.iter().any(|&pid| lives(pid)));
        parent.kill().unwrap();
        parent.wait().unwrap();
        eventually("no worker lives", || pids.iter().all(|&pid| !lives(pid)));
        eventually("no grandchild lives", || sleepers() == 0);
    }
    before.assert_restored();
}
