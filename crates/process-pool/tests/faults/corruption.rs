//! Jobs that overwrite the memory they share with the parent.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool};

use crate::helpers::{all_done, neighbours};
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline};

#[test]
fn overwritten_memory_ends_only_its_worker() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for kind in 0..12 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .time_limit(Duration::from_secs(2))
            .build()
            .unwrap();
        let wild = pool.submit::<write_over_the_rings>(kind).unwrap();
        let others = neighbours(&pool);
        // It may yield an error or, by chance, a result; but the pool does not hang, and lives on.
        let _ = wild.wait();
        for handle in others {
            let _ = handle.wait();
        }
        all_done(neighbours(&pool));
    }
    before.assert_restored();
}

/// The offsets of the parent's bells and of the stamp of the first slot. See `transport/layout.rs`.
const BELLS: u64 = 256;
const FIRST_STAMP: u64 = 512 + 32;

#[test]
fn silenced_bells_delay_result_but_lose_nothing() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for _ in 0..3 {
        let pool = ProcessPool::new(&program, 1).unwrap();
        pool.submit::<pid>(()).unwrap().wait().unwrap();
        // The supervisor sleeps by then.
        thread::sleep(Duration::from_millis(600));
        let (sender, results) = mpsc::channel();
        let silent = pool.submit::<scribble_and_nap>((BELLS, vec![0; 12], 100));
        silent
            .unwrap()
            .on_done(move |result| sender.send(result.unwrap()).unwrap());
        let result = results.recv_timeout(Duration::from_secs(20));
        assert_eq!(result.expect("the result is looked for now and then"), 100);
    }
    before.assert_restored();
}

#[test]
fn overwritten_stamp_does_not_evade_time_limit() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for stamp in [0, u64::MAX, u64::MAX / 2] {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .time_limit(Duration::from_millis(200))
            .build()
            .unwrap();
        let stamp = stamp.to_ne_bytes().to_vec();
        let wild = pool.submit::<scribble_and_nap>((FIRST_STAMP, stamp, 600_000));
        match wild.unwrap().wait_timeout(Duration::from_secs(20)) {
            Ok(Err(JobError::TimedOut(_) | JobError::Corrupted(_))) => {}
            other => panic!("{other:?}"),
        }
        all_done(neighbours(&pool));
    }
    before.assert_restored();
}
