//! A pool in a program that forks, and in one that exits with unfinished jobs.

use std::process::exit;
use std::thread;
use std::time::Duration;

use effective_process_pool::ProcessPool;
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::jobs::*;
use crate::support::checks::{eventually, lives};
use crate::support::rerun::{inner, is_inner, passes};

#[test]
fn drop_in_forked_child_harms_nothing() {
    let program = program();
    let Some(_deadline) = inner(drop_in_forked_child_harms_nothing, &[]) else {
        return;
    };
    let pool = ProcessPool::new(&program, 2).unwrap();
    let running = pool.submit::<nap_us>(300_000).unwrap();
    // SAFETY: the child calls only the drop, which takes no lock, and `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(pool);
        // SAFETY: it ends the process at once.
        unsafe { libc::_exit(7) };
    }
    let child = Pid::from_raw(child).unwrap();
    let mut status = None;
    eventually("the child has dropped its copy", || {
        status = waitpid(Some(child), WaitOptions::NOHANG).unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().1.exit_status(), Some(7));
    running.wait().unwrap();
    for (number, result) in (0..).zip(pool.map::<double>(0..100)) {
        assert_eq!(result.unwrap(), 2 * number);
    }
}

#[test]
fn workers_end_when_program_exits() {
    let program = program();
    if !is_inner() {
        let output = passes("lifetime::workers_end_when_program_exits", &[]);
        let output = output.unwrap();
        let pids: Vec<i32> = output
            .lines()
            .filter_map(|line| line.strip_prefix("worker ")?.parse().ok())
            .collect();
        assert_eq!(pids.len(), 2, "{output}");
        eventually("the workers end", || pids.iter().all(|&pid| !lives(pid)));
        return;
    }
    let pool = ProcessPool::new(&program, 2).unwrap();
    let _handles = [(); 10].map(|()| pool.submit::<nap_us>(600_000_000).unwrap());
    let mut children = Vec::new();
    eventually("both workers have started", || {
        children = crate::support::checks::children();
        children.len() == 2
    });
    thread::sleep(Duration::from_millis(50));
    for child in &children {
        println!("\nworker {child}");
    }
    // As when `main` returns while a static, or another thread, owns the pool.
    exit(0);
}
