//! A pool in the first process of a container, to which orphans are re-parented.

use std::time::Duration;

use effective_process_pool::ProcessPool;

use crate::jobs::*;
use crate::support::checks::{eventually, processes};
use crate::support::rerun::{AS_PID_1, inner};

fn zombies() -> usize {
    processes()
        .iter()
        .filter(|(_, _, state)| *state == 'Z')
        .count()
}

#[test]
fn killed_jobs_leave_no_zombies_to_pid_1() {
    let program = program();
    let Some(_deadline) = inner(killed_jobs_leave_no_zombies_to_pid_1, AS_PID_1) else {
        return;
    };
    assert_eq!(std::process::id(), 1);
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_millis(50))
        .build()
        .unwrap();
    let results = pool.map::<start_and_wait>([60; 20]);
    assert!(results.iter().all(Result::is_err));
    eventually("no zombie while the pool lives", || zombies() == 0);
    let results = pool.map::<start_and_wait>([60; 4]);
    assert!(results.iter().all(Result::is_err));
    drop(pool);
    assert_eq!(zombies(), 0, "after the pool");
}

#[test]
fn orphans_of_living_workers_leave_no_zombies_to_pid_1() {
    let program = program();
    let Some(_deadline) = inner(
        orphans_of_living_workers_leave_no_zombies_to_pid_1,
        AS_PID_1,
    ) else {
        return;
    };
    let pool = ProcessPool::new(&program, 2).unwrap();
    for result in pool.map::<leave_an_orphan>([(); 20]) {
        assert!(result.unwrap());
    }
    let workers: Vec<_> = pool.map::<pid>([(); 20]).into_iter().flatten().collect();
    eventually("all have ended, and none is a zombie", || {
        zombies() == 0 && processes().len() <= 3
    });
    // The deaths of the workers themselves are not mistaken for those of orphans.
    for &worker in &workers {
        let _ = std::process::Command::new("kill")
            .args(["-9", &worker.to_string()])
            .status();
    }
    for result in pool.map::<double>(0..20) {
        result.unwrap();
    }
}
