//! Signals to the program and its workers, and signals that the program has blocked.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::ProcessPool;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline, eventually, processes, stat};
use crate::support::rerun::{self, ends_within, is_inner};

#[test]
fn stopping_program_during_start_hangs_nothing() {
    let program = program();
    let name = "signals::stopping_program_during_start_hangs_nothing";
    if is_inner() {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .recycle_after_jobs(1)
            .build()
            .unwrap();
        // Until the test closes its end of the pipe.
        let over = thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        while !over.is_finished() {
            pool.submit::<pid>(()).unwrap().wait().unwrap();
        }
        return;
    }
    let (_deadline, _exclusive) = (deadline(120), alone());
    let (mut command, _folder) = rerun::command(name, &[]).unwrap();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_child(&child);
    let mut input = child.stdin.take().unwrap();
    for round in 0..400 {
        thread::sleep(Duration::from_micros(1_000 + 37 * (round % 60)));
        kill_process_group(group, Signal::TSTP).unwrap();
        thread::sleep(Duration::from_millis(2));
        kill_process_group(group, Signal::CONT).unwrap();
    }
    input.write_all(b"enough").unwrap();
    drop(input);
    let ended = ends_within(&mut child, Duration::from_secs(30));
    let found = processes();
    let found: Vec<_> = found
        .iter()
        .filter(|(pid, parent, _)| [*pid, *parent].contains(&(child.id() as i32)))
        .collect();
    if !ended {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(
        status.success() && ended,
        "{status}, by itself: {ended}; {found:?}"
    );
}

#[test]
fn signals_blocked_in_parent_are_free_in_jobs() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let previous = block_sigterm();
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .recycle_after_jobs(1)
        .build()
        .unwrap();
    // The second worker is started by the supervisor, which inherits the mask of this thread.
    for _ in 0..2 {
        let blocked = pool.submit::<blocked_signals>(()).unwrap().wait().unwrap();
        let none = "0000000000000000".to_owned();
        assert_eq!(blocked, (none.clone(), none));
    }
    drop(pool);
    // SAFETY: the set was filled in by the system.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &previous, std::ptr::null_mut()) };
}

fn block_sigterm() -> libc::sigset_t {
    // SAFETY: the sets are initialised before they are used, and the mask is this thread's.
    unsafe {
        let mut set = std::mem::zeroed();
        let mut previous = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, &mut previous);
        previous
    }
}

/// Stops an idle worker, so that it is not in the middle of a job.
fn stop_worker(pool: &ProcessPool) {
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    kill_process(Pid::from_raw(worker).unwrap(), Signal::STOP).unwrap();
    eventually("the worker is stopped", || {
        stat(worker).is_some_and(|(_, _, state)| state == 'T')
    });
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "under AddressSanitizer a worker is slow to become idle, and is stopped before that"
)]
fn stopped_idle_worker_delays_no_job_or_drop() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for workers in [2, 1] {
        let pool = ProcessPool::builder(&program)
            .workers(workers)
            .time_limit(Duration::from_secs(30))
            .build()
            .unwrap();
        stop_worker(&pool);
        let handles: Vec<_> = (0..20)
            .map(|number| pool.submit::<double>(number).unwrap())
            .collect();
        for (number, handle) in (0..).zip(handles) {
            match handle.wait_timeout(Duration::from_secs(30)) {
                Ok(result) => assert_eq!(result.unwrap(), 2 * number),
                Err(_) => panic!("job {number} waits for a stopped worker"),
            }
        }
        let began = Instant::now();
        drop(pool);
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    // Only the drop waits for this job.
    let pool = ProcessPool::new(&program, 1).unwrap();
    stop_worker(&pool);
    drop(pool.submit::<double>(1).unwrap());
    drop(pool);
    before.assert_restored();
}

/// The pool had planned its next look for the time limit of an earlier job.
#[test]
fn stopped_worker_is_noticed_before_any_time_limit() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .time_limit(Duration::from_secs(100))
        .build()
        .unwrap();
    let waits: [fn(&ProcessPool) -> u64; 2] = [
        |pool| pool.submit::<double>(3).unwrap().wait().unwrap(),
        |pool| {
            let handle = pool.submit::<double>(3).unwrap();
            let (ended, result) = std::sync::mpsc::channel();
            handle.on_done(move |result| ended.send(result).unwrap());
            result.recv().unwrap().unwrap()
        },
    ];
    for wait in waits {
        pool.submit::<nap_us>(50_000).unwrap().wait().unwrap();
        stop_worker(&pool);
        let began = Instant::now();
        assert_eq!(wait(&pool), 6);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}
